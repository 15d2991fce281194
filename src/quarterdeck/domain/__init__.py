"""Quarterdeck: domain."""
