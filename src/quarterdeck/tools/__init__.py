"""The tools that a teammate may call, one per file; what they need from above is in `ports`.

A tool never asks the person for a permission and never decides one: it only says what it would touch.
"""
