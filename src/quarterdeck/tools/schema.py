"""Input models as plain JSON schemas: no titles, no references, no `null` variants; the same each time."""

from typing import Any

from pydantic import BaseModel

_DROPPED = frozenset({"title", "$defs", "default"})


def plain_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of an input model for the Messages API."""
    whole = model.model_json_schema()
    plain: dict[str, Any] = _plain(whole, whole.get("$defs", {}))
    plain.pop("description", None)  # the docstring of the model is for us
    return plain


def _plain(node: Any, defs: dict[str, Any]) -> Any:
    match node:
        case {"$ref": str(ref)}:
            return _plain(defs[ref.rsplit("/", 1)[-1]], defs)
        case {"anyOf": [*variants]}:
            rest = {key: value for key, value in node.items() if key != "anyOf"}
            (kept,) = [one for one in variants if one != {"type": "null"}]
            return _plain({**kept, **rest}, defs)
        case {"type": "object", "properties": dict(properties)}:
            outer = {key: value for key, value in node.items() if key not in _DROPPED | {"properties"}}
            return outer | {"properties": {name: _plain(one, defs) for name, one in properties.items()}}
        case dict():
            return {key: _plain(value, defs) for key, value in node.items() if key not in _DROPPED}
        case list():
            return [_plain(one, defs) for one in node]
    return node
