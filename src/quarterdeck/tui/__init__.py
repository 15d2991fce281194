"""Quarterdeck: tui."""
