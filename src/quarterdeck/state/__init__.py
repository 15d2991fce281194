"""Quarterdeck: state."""
