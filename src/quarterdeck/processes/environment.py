"""The environment that tools see: an allow-list. It hands on no key, no loader hook, no shell hook."""

from collections.abc import Mapping

ALLOWED = frozenset(
    {
        "COLUMNS", "HOME", "HOSTNAME", "LANG", "LANGUAGE", "LINES", "LOGNAME", "PATH", "SHELL", "TMPDIR",
        "TZ", "USER",
        "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME",
        "CARGO_HOME", "GOPATH", "GOROOT", "JAVA_HOME", "NVM_DIR", "PYENV_ROOT", "RUSTUP_HOME", "VIRTUAL_ENV",
        "SSL_CERT_DIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
        "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    }
)  # fmt: skip
"""Names that tools need to find programs, homes, certificates and the network. Everything else stays here."""
ALLOWED_PREFIXES = ("LC_",)
SHELL_HOOKS = frozenset({"BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "PROMPT_COMMAND"})
"""Names by which a shell runs code before the command; a caller cannot add them either."""
FIXED = {"TERM": "dumb", "PAGER": "cat", "GIT_PAGER": "cat", "GIT_TERMINAL_PROMPT": "0", "NO_COLOR": "1"}
"""No tool has a terminal: no colours, no pager, no question."""
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def tool_environment(source: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """The allowed names of `source`, then the fixed ones, then the caller's `extra`."""
    kept = {
        name: value
        for name, value in source.items()
        if (name in ALLOWED or name.startswith(ALLOWED_PREFIXES)) and "\0" not in value
    }
    kept.setdefault("PATH", DEFAULT_PATH)
    kept.update(FIXED)
    kept.update({name: value for name, value in extra.items() if is_passable(name, value)})
    return kept


def is_passable(name: str, value: str) -> bool:
    """Whether a caller may add this variable: a name without `=` or NUL, and no hook of the shell."""
    return bool(name) and "=" not in name and "\0" not in name + value and not is_shell_hook(name)


def is_shell_hook(name: str) -> bool:
    """Whether a shell would run this variable's value, such as BASH_ENV or an exported function."""
    return name in SHELL_HOOKS or name.startswith("BASH_FUNC_")
