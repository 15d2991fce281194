"""Quarterdeck: config."""
