"""Quarterdeck: cli."""
