"""Quarterdeck: one person in command of a team of AI teammates, in one terminal."""

__version__ = "0.1.0"
