"""Tools on a real file system and a real shell."""
