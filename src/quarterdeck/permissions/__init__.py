"""Quarterdeck: permissions."""
