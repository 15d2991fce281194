"""The system prompt of a run, computed once, from the .md files beside it."""

from importlib.resources import files

import msgspec

from quarterdeck.domain.messages import Block, text_block

_PROMPTS = files("quarterdeck.runtime.prompts")


class Surroundings(msgspec.Struct, frozen=True):
    """What every run of a session is told about where it is."""

    folder: str
    platform: str
    date: str


def _read(name: str) -> str:
    return _PROMPTS.joinpath(f"{name}.md").read_text("utf-8").strip()


CLOSING = _read("closing")


def system_prompt(
    name: str, team: str, where: Surroundings, *, is_lead: bool, plan_mode: bool
) -> tuple[Block, ...]:
    """The system blocks of a run. The same inputs give the same bytes, for the provider's cache."""
    role = _read("lead" if is_lead else "teammate")
    if plan_mode:
        role = f"{role}\n\n{_read('plan_mode')}"
    values = {
        "name": name,
        "team": team,
        "role": role,
        "folder": where.folder,
        "platform": where.platform,
        "date": where.date,
    }
    text = _read("system")
    for key, value in values.items():
        text = text.replace("{" + key + "}", value)
    return (text_block(text),)
