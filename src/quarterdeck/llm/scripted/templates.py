"""`{{name}}` in texts: filled from given values, or listed. Pure; knows nothing of scenarios."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_NAME = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


def fill(value: Any, values: Mapping[str, str]) -> Any:
    """`value` with every known name filled in, through lists and tables; unknown names stay as they are."""
    return _mapped(value, lambda text: _NAME.sub(lambda hit: values.get(hit[1], hit[0]), text))


def names_in(value: Any) -> Iterator[str]:
    """The names that the texts in `value` still ask for."""
    match value:
        case str():
            yield from _NAME.findall(value)
        case Mapping():
            for inner in value.values():
                yield from names_in(inner)
        case list() | tuple():
            for inner in value:
                yield from names_in(inner)


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case Mapping():
            return {key: _mapped(inner, change) for key, inner in value.items()}
        case list() | tuple():
            return [_mapped(inner, change) for inner in value]
    return value
