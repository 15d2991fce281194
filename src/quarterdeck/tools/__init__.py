"""Quarterdeck: tools."""
