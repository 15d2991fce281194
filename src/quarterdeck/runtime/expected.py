"""Expected errors of a task as its result: its scope logs what a task raises as a fault of ours."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=Exception)


async def expecting(kinds: tuple[type[E], ...], begin: Callable[[], Awaitable[T]]) -> T | E:
    """What the work gives that `begin` begins, or the error of one of these kinds that it raised."""
    try:
        return await begin()
    except kinds as error:
        return error
