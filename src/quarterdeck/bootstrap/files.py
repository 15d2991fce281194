"""File names of the session's folder for completion: walked once in a while, and bounded."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

SKIPPED = frozenset({".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache", ".tox"})
MOST_FILES = 5_000
FRESH_S = 5.0
WALK_S = 0.05


class FolderFiles:
    """Lists a folder's files by prefix. The walk gives up after a moment: no key waits for it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[str] = []
        self._walked_at = -FRESH_S

    def __call__(self, prefix: str) -> Sequence[str]:
        """Paths relative to the folder that start with `prefix` (without case), else that hold it."""
        now = time.monotonic()
        if now - self._walked_at >= FRESH_S:
            self._files = self._walk(now + WALK_S)
            self._walked_at = now
        folded = prefix.casefold()
        first = [path for path in self._files if path.casefold().startswith(folded)]
        rest = [path for path in self._files if folded in path.casefold() and path not in set(first)]
        return [*first, *rest][:50]

    def _walk(self, until: float) -> list[str]:
        found: list[str] = []
        for folder, folders, files in os.walk(self._folder):
            folders[:] = sorted(name for name in folders if name not in SKIPPED)
            base = os.path.relpath(folder, self._folder)
            found += sorted(name if base == "." else f"{base}/{name}" for name in files)
            if len(found) >= MOST_FILES or time.monotonic() > until:
                break
        return found[:MOST_FILES]
