"""Ids of one session: unique over all sessions by a random part, readable by a count."""

import itertools
import secrets
from collections.abc import Callable


def counting_ids() -> Callable[[str], str]:
    """`run-7f3a-1`, …; the argument is the first word."""
    part = secrets.token_hex(3)
    count = itertools.count(1)
    return lambda kind: f"{kind}-{part}-{next(count)}"
