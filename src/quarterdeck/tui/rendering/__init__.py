"""Text to lines of styled cells: pure functions that no widget state reaches into."""
