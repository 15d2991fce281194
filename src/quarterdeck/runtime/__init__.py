"""Quarterdeck: runtime."""
