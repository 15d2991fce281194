"""Where a path leads: resolved once, compared by components, never by text."""

import os
from pathlib import PurePath

import msgspec


class PathFault(OSError):
    """A path that cannot be used; the text says why, in one line."""


class PathOutside(PathFault):
    """It leads outside the workspace and was not allowed."""


class Place(msgspec.Struct, frozen=True):
    """Where a path leads."""

    real: str
    """Absolute, without symbolic links (as of the moment when it was resolved)."""
    shown: str
    """Relative to the workspace inside it, else the real path."""
    outside: bool


def resolve(root: str, path: str) -> Place:
    """Follow `path` from `root` (itself a real path).

    :raises PathFault: NUL, a name that is too long, or links that go in circles.
    """
    if "\0" in path:
        raise PathFault("The path holds a NUL character.")
    if not path:
        raise PathFault("The path is empty.")
    try:
        whole = os.path.join(root, os.path.expanduser(path))
        real = os.path.realpath(whole)
        os.lstat(real)
    except FileNotFoundError:
        pass
    except NotADirectoryError as fault:
        raise PathFault(f"A part of {path} is a file, not a folder.") from fault
    except OSError as fault:
        raise PathFault(f"{fault.strerror or fault}: {path[:200]}") from fault
    if os.path.islink(real):
        raise PathFault(f"The symbolic link {path} leads in a circle.")
    return place(root, real)


def place(root: str, real: str) -> Place:
    """The place of a real path."""
    inside = PurePath(real).is_relative_to(root)
    shown = PurePath(real).relative_to(root).as_posix() if inside else real
    return Place(real=real, shown=shown, outside=not inside)
