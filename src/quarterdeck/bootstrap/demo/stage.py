"""Where the demo plays: a fresh copy of the sample, the scripted model, and a team with its rules."""

import shlex
import shutil
import sys
import tempfile
from pathlib import Path

import msgspec

from quarterdeck.bootstrap.model import Endpoint
from quarterdeck.bootstrap.session import Session, SessionConfig
from quarterdeck.domain.ids import RunId
from quarterdeck.domain.teammates import Lifetime, SpawnConfig
from quarterdeck.llm.scripted.scenario import Scenario, load_scenario
from quarterdeck.llm.scripted.server import ScriptedServer
from quarterdeck.state import actions as did

HERE = Path(__file__).parent
SAMPLE = HERE / "sample"
STORY = HERE / "story.toml"
TEAM = "demo"
MODEL = "scripted"
DEMO = "demo"
"""What a session of the demo's own story says that it plays."""
NAMES = ("researcher", "coder", "tester", "runaway")
REPORT = "report.txt"

TEST_COMMAND = f"{shlex.quote(sys.executable)} -m unittest -v"
"""The sample's tests, with the program's own Python."""
TESTER_COMMAND = f"{TEST_COMMAND} > {REPORT} 2>&1; tail -n 4 {REPORT}"
RUNAWAY_COMMAND = "sh watch.sh"
VALUES = {
    "test_command": TEST_COMMAND,
    "tester_command": TESTER_COMMAND,
    "runaway_command": RUNAWAY_COMMAND,
}


class Stage(msgspec.Struct, frozen=True):
    """One demo's folder and server."""

    folder: Path
    server: ScriptedServer | None
    base_url: str
    log_path: Path
    own_folder: bool
    scripted: str = DEMO
    """What is played: the demo's story, or the path of a scenario; empty = a server of the person's."""

    async def clear(self) -> None:
        """Stop the server and remove the folder, if they are ours."""
        if self.server is not None:
            await self.server.close()
        if self.own_folder:
            shutil.rmtree(self.folder.parent, ignore_errors=True)


class DemoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the person can replace."""

    scenario: Path | None = None
    folder: Path | None = None
    base_url: str | None = None
    log_path: Path | None = None
    home: Path | None = None
    """Where the copy of the sample is made, to stay there; None = in a temporary folder that is removed."""


async def set_up(options: DemoOptions) -> Stage:
    """Copy the sample and start the server. :raises ScenarioFault: the scenario cannot be."""
    story = load_scenario(options.scenario or STORY, values=VALUES)
    folder, own = options.folder, False
    if folder is None:
        home = options.home or Path(tempfile.mkdtemp(prefix="quarterdeck-demo-"))
        folder, own = home / "shop", options.home is None
        shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    folder = folder.resolve(strict=True)
    log_path = options.log_path or folder.parent / f"{folder.name}-requests.jsonl"
    try:
        server = None if options.base_url else await _start(story, log_path)
    except OSError:
        if own:
            shutil.rmtree(folder.parent, ignore_errors=True)
        raise
    return Stage(
        folder=folder,
        server=server[0] if server else None,
        base_url=options.base_url or (server[1] if server else ""),
        log_path=log_path,
        own_folder=own,
        scripted=_played(options),
    )


def _played(options: DemoOptions) -> str:
    if options.base_url:
        return ""
    return str(options.scenario.resolve()) if options.scenario else DEMO


async def _start(story: Scenario, log_path: Path) -> tuple[ScriptedServer, str]:
    server = ScriptedServer(story, log_path=log_path, keep_bodies=False)
    return server, await server.start()


def demo_config(stage: Stage, base: SessionConfig | None = None) -> SessionConfig:
    """A session on this stage; display settings are taken from `base`."""
    own = SessionConfig(
        folder=stage.folder,
        team=TEAM,
        endpoint=Endpoint(api_key="scripted", auth_token=None, base_url=stage.base_url),
        endpoint_words="scripted model",
        model=MODEL,
        scripted=stage.scripted,
    )
    if base is None:
        return own
    return msgspec.structs.replace(
        base,
        folder=own.folder,
        team=own.team,
        endpoint=own.endpoint,
        endpoint_words=own.endpoint_words,
        model=own.model,
        scripted=own.scripted,
    )


def spawn_team(session: Session) -> dict[str, RunId]:
    """The four, with the rules of the team. :raises RuntimeError: one of them could not start."""
    for rule in (f"Bash({RUNAWAY_COMMAND})",):
        session.dispatch(did.RuleGiven(at=session.clock.wall(), rule=rule, team=TEAM))
    configs = (
        SpawnConfig(
            name="researcher",
            prompt="Find out how prices are rounded in this project, and report it.",
            lifetime=Lifetime.TASK,
        ),
        SpawnConfig(
            name="coder",
            prompt="One test fails. Plan the mend first, then do it and run the tests.",
            plan_mode_required=True,
            rules=("Edit", f"Bash({TEST_COMMAND})"),
        ),
        SpawnConfig(
            name="tester", prompt="When coder has mended it, run all tests into a report and tell coder."
        ),
        SpawnConfig(name="runaway", prompt="Watch the folder and tell me what changes."),
    )
    runs: dict[str, RunId] = {}
    for config in configs:
        result = session.supervisor.spawn(config)
        if result.run_id is None:
            raise RuntimeError(result.error)
        runs[config.name] = result.run_id
    return runs
