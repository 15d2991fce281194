"""Quarterdeck: project."""
