"""Quarterdeck: processes."""
