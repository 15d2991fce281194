"""The one immutable AppState, the facts that change it, and what is derived from it. Pure."""
