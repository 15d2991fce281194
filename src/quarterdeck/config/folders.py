"""Where the program keeps what is its own: the platform's folders, or all of it under QUARTERDECK_HOME."""

from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_config_path, user_log_path, user_state_path

NAME = "quarterdeck"


def config_folder(environment: Mapping[str, str]) -> Path:
    """Settings and the person's own themes."""
    home = environment.get("QUARTERDECK_HOME")
    return Path(home).expanduser() if home else user_config_path(NAME)


def log_folder(environment: Mapping[str, str]) -> Path:
    """Log files, one per session."""
    home = environment.get("QUARTERDECK_HOME")
    return Path(home).expanduser() / "logs" if home else user_log_path(NAME)


def state_folder(environment: Mapping[str, str]) -> Path:
    """Stored sessions and the index over them."""
    home = environment.get("QUARTERDECK_HOME")
    return Path(home).expanduser() / "state" if home else user_state_path(NAME)
