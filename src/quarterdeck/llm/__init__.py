"""Quarterdeck: llm."""
