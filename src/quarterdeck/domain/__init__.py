"""Frozen nouns that every layer shares: ids, teammates, messages, requests, usage. No behaviour that waits."""
