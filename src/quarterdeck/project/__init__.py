"""The folder that the team works in."""
