"""Quarterdeck: widgets."""
