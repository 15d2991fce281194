"""What several commands share: rules and modes from flags, the folder, a session's configuration."""

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from quarterdeck.bootstrap.environment import Given
from quarterdeck.bootstrap.keeping import Keep
from quarterdeck.bootstrap.session import SessionConfig
from quarterdeck.cli.parser import UsageFault
from quarterdeck.config.verbs import verb_list
from quarterdeck.domain.display_text import clean_name
from quarterdeck.domain.teammates import PermissionMode
from quarterdeck.permissions.rules import Rule, RuleFault, parse_rule
from quarterdeck.state.selectors import DisplayDelays
from quarterdeck.tui.theming import load_themes


def rules_of(texts: list[str], flag: str) -> tuple[Rule, ...]:
    """The rules of a flag. :raises UsageFault: one cannot be."""
    try:
        return tuple(parse_rule(text) for text in texts)
    except RuleFault as fault:
        raise UsageFault(f"{flag}: {fault}") from fault


def folder_here() -> Path:
    """The folder that the session works in. :raises UsageFault: it cannot be read."""
    try:
        folder = Path.cwd().resolve(strict=True)
        os.listdir(folder)
    except OSError as fault:
        raise UsageFault(f"This folder can't be read ({fault.strerror}). Go to one that can.") from fault
    return folder


def check_theme(given: Given, name: str | None) -> None:
    """:raises UsageFault: a theme of this name was asked for, and there is none."""
    if name is None:
        return
    themes, faults = load_themes(given.themes_folder)
    if name in themes:
        return
    broken = next((str(fault) for fault in faults if fault.path.stem == name), "")
    raise UsageFault(f"--theme: {broken or _no_theme(name, themes)}")


def team_name(folder: Path) -> str:
    """A team name from the folder's: letters, digits, `-`, `_`."""
    name = "".join(one if one.isascii() and (one.isalnum() or one in "-_") else "-" for one in folder.name)
    return name.strip("-")[:40] or "team"


def session_config(given: Given, options: argparse.Namespace, folder: Path) -> SessionConfig:
    """A session in `folder` by settings and flags. :raises UsageFault: a flag cannot be."""
    settings = given.settings
    mode = getattr(options, "permission_mode", None) or settings.permission_mode
    delays = settings.delays
    return SessionConfig(
        folder=folder,
        team=team_name(folder),
        endpoint=given.endpoint,
        endpoint_words=_words(given),
        model=getattr(options, "model", None) or given.default_model,
        permission_mode=PermissionMode(mode),
        allow=rules_of(getattr(options, "allow", []), "--allow"),
        deny=rules_of(getattr(options, "deny", []), "--deny"),
        delays=DisplayDelays(
            killed=delays.killed,
            stopped=delays.stopped,
            completed=delays.completed,
            timed_out=delays.timed_out,
            seen=delays.seen,
        ),
        stop_deadline_s=settings.stop_deadline_s,
        verbs=verb_list(settings.verbs, replace=settings.replace_verbs),
        changes_verbs=not settings.reduced_motion,
        keep=Keep(given.state_folder, secrets=given.secrets),
    )


def _words(given: Given) -> str:
    if given.endpoint.base_url:
        return given.endpoint.base_url
    return "api.anthropic.com" if given.endpoint.is_set else ""


def _no_theme(name: str, themes: Iterable[str]) -> str:
    return f"there is no theme {clean_name(name)!r}. There are {', '.join(themes)}."
