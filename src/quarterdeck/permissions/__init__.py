"""May this call run? Pure policy: rules, a mode and a call in; allowed, asks or refused out."""
