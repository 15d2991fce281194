"""Quarterdeck: bootstrap."""
