"""Arguments, settings, exit codes: one file per command. What a command does is in `bootstrap`."""
