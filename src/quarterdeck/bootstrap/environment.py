"""The key, the endpoint and the settings, read once; the key then leaves the program's environment."""

import os
from collections.abc import MutableMapping
from pathlib import Path

import msgspec

from quarterdeck.bootstrap.model import Endpoint
from quarterdeck.config.folders import config_folder, log_folder
from quarterdeck.config.settings import FILE_NAME, Settings, read_settings
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
    config = config_folder(values)
    settings = read_settings(config / FILE_NAME, values)
    endpoint = Endpoint(
        api_key=values.get("ANTHROPIC_API_KEY") or None,
        auth_token=values.get("ANTHROPIC_AUTH_TOKEN") or None,
        base_url=values.get("ANTHROPIC_BASE_URL") or None,
    )
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
        log_folder=log_folder(values),
    )
