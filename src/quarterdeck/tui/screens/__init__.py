"""Quarterdeck: screens."""
