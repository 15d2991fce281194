"""Quarterdeck: scripted."""
