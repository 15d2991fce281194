"""The demo: a team at work on a small sample project, on the screen or headless."""
