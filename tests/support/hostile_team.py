"""A program with twenty runs whose tools resist (process trees, stuck threads, deaf tasks), and its end.

`python -m tests.support.hostile_team FOLDER`: says `ready` when all stand, quits on a line of input, exits 7.
"""

import asyncio
import sys
import time
from functools import partial
from pathlib import Path

from quarterdeck.runtime.scopes import exit_now
from quarterdeck.runtime.threads import run_in_thread
from quarterdeck.tools.list import ListInput, ListTool
from quarterdeck.tools.ports import ToolContext
from quarterdeck.tools.results import ToolResult
from tests.support.hostile import READY_BYTES, Proof, hostile_command
from tests.support.world import Answer, calls, world

RUNS = 20
CODE = 7


async def _stuck(self: ListTool, parsed: ListInput, context: ToolContext) -> ToolResult:
    """Half of them sit in a thread, the others swallow every cancellation; none ever ends."""
    if parsed.path == "thread":
        await run_in_thread(partial(time.sleep, 60), name="stuck")
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


async def _main(folder: Path) -> None:
    setattr(ListTool, "run", _stuck)  # noqa: B010 - a plain assignment to a method is refused by the type checker
    proof = Proof(folder / "proof")
    command = hostile_command(proof.path)
    kinds: tuple[Answer, ...] = (
        lambda _: calls("bash", command=command),
        lambda _: calls("list", path="thread"),
        lambda _: calls("list", path="deaf"),
    )
    answers = {f"a{kind}": answer for kind, answer in enumerate(kinds)}
    async with world(answers, folder) as here:
        for number in range(RUNS):
            here.spawn(f"a{number % len(kinds)}-{number}", rules=(f"Bash({command})",))
        trees = len(range(0, RUNS, len(kinds)))
        await proof.wait_ready(READY_BYTES * trees, limit_s=60)
        await here.until(lambda state: all(mate.running for mate in state.team.by_run.values()), within_s=60)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await run_in_thread(sys.stdin.readline, name="wait for the word")
        await here.session.close()
        sys.stdout.write(f"trees over: {await proof.wait_over(1.0) is not None}\n")
    exit_now(CODE)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
    sys.exit(5)
