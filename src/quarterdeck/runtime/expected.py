"""Expected errors of a task as its result: its scope logs what a task raises as a fault of ours."""

from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=Exception)


async def expecting(kinds: tuple[type[E], ...], work: Awaitable[T]) -> T | E:
    """What `work` gives, or the error of one of these kinds that it raised."""
    try:
        return await work
    except kinds as error:
        return error
