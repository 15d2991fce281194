"""The answer of `GET /v1/models`, of Anthropic's endpoint and of local servers that are like it. Pure."""

import msgspec

from quarterdeck.llm.fault_words import fault_line
from quarterdeck.llm.faults import FaultKind, ModelFault


class _Model(msgspec.Struct, frozen=True):
    id: str


class _Models(msgspec.Struct, frozen=True):
    data: tuple[_Model, ...]


def model_ids(body: bytes) -> tuple[str, ...]:
    """The ids in `{"data": [{"id": …}, …]}`, in order.

    :raises ModelFault: `malformed`, when it is something else.
    """
    try:
        return tuple(model.id for model in msgspec.json.decode(body, type=_Models).data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as e:
        raise ModelFault(FaultKind.malformed, fault_line(FaultKind.malformed, words=str(e))) from e
