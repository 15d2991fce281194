"""Every fact survives its way through JSON, by its tag."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quarterdeck.state import actions as did
from tests.support.action_sequences import action_kinds, actions_of

_DECODER: msgspec.json.Decoder[did.Action] = msgspec.json.Decoder(did.Action)


@pytest.mark.parametrize("kind", action_kinds(), ids=lambda kind: kind.__name__)
@settings(max_examples=15)
@given(st.data())
def test_a_fact_comes_back_from_json_as_it_was(kind: type[did.Action], data: st.DataObject) -> None:
    fact = data.draw(actions_of(kind))
    told = msgspec.json.encode(fact)
    again = _DECODER.decode(told)
    assert again == fact
    assert type(again) is kind
    assert msgspec.json.encode(again) == told
