"""The process service against real processes."""
