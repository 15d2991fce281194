"""Frozen nouns that every layer shares: ids, teammates, messages, requests, usage. Nothing here waits."""
