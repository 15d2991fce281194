"""The key, the endpoint and the settings, read once; the key then leaves the program's environment."""

import os
from collections.abc import MutableMapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from quarterdeck.bootstrap.model import Endpoint
from quarterdeck.config.folders import config_folder, log_folder, state_folder
from quarterdeck.config.settings import FILE_NAME, Settings, SettingsFault, read_settings
from quarterdeck.processes.subreaper import harden_process

DEFAULT_MODEL = "claude-sonnet-4-5"
"""Asked when there is a key and nobody named a model."""
SECRETS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


class Given(msgspec.Struct, frozen=True):
    """What the surroundings give a session."""

    settings: Settings
    endpoint: Endpoint
    settings_path: Path
    themes_folder: Path
    log_folder: Path
    state_folder: Path

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be written."""
        return tuple(one for one in (self.endpoint.api_key, self.endpoint.auth_token) if one)

    @property
    def default_model(self) -> str | None:
        """The configured model; with a key and none configured the shipped one."""
        if self.settings.model:
            return self.settings.model
        return DEFAULT_MODEL if self.endpoint.is_set and not self.endpoint.base_url else None


def read_given(environment: MutableMapping[str, str] | None = None) -> Given:
    """Read all of it. :raises SettingsFault: one line. Keys are dropped from the environment (SEC-01)."""
    values = os.environ if environment is None else environment
    try:
        config, logs, state = config_folder(values), log_folder(values), state_folder(values)
    except RuntimeError as fault:  # a ~ that stands for nobody's home
        raise SettingsFault("QUARTERDECK_HOME: there is no such home folder.") from fault
    settings = read_settings(config / FILE_NAME, values)
    endpoint = Endpoint(
        api_key=values.get("ANTHROPIC_API_KEY") or None,
        auth_token=values.get("ANTHROPIC_AUTH_TOKEN") or None,
        base_url=values.get("ANTHROPIC_BASE_URL") or None,
    )
    check_address("ANTHROPIC_BASE_URL", endpoint.base_url)
    for name in SECRETS:
        values.pop(name, None)
    if environment is None:
        # The kernel still has what the program was started with; a tool must not read it there.
        harden_process(SECRETS)
    return Given(
        settings=settings,
        endpoint=endpoint,
        settings_path=config / FILE_NAME,
        themes_folder=config / "themes",
        log_folder=logs,
        state_folder=state,
    )


def check_address(name: str, address: str | None) -> None:
    """`name` says where it was set. :raises SettingsFault: it is set and no address of a server."""
    if address is None:
        return
    try:
        parts = urlsplit(address)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        # Not shown: an address may hold a password.
        raise SettingsFault(f"{name}: that is no address of a server; write it as https://HOST[:PORT].")
