"""A headless program beside which a thread sleeps for 60 s, and whose teammate swallows every cancellation.

`python -m tests.support.deaf_program HOW FOLDER`. HOW: `limit` (its time is up), `signal` (it waits for one),
`done` (the teammate ends well; only the thread is left).
"""

import asyncio
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from quarterdeck.bootstrap import headless
from quarterdeck.bootstrap.model import Endpoint
from quarterdeck.bootstrap.session import Session, SessionConfig
from quarterdeck.llm.requests import ModelRequest
from quarterdeck.llm.steps import Step, StreamEvent
from quarterdeck.runtime.threads import run_in_thread
from tests.support.fake_model import FakeModel, text_step

THREAD_S = 60.0
LIMIT_S = 1.0


async def deaf(request: ModelRequest, on_event: Callable[[StreamEvent], None]) -> Step:
    """Never ends, whatever anybody does."""
    asyncio.get_running_loop().create_task(run_in_thread(partial(time.sleep, THREAD_S), name="sleep"))
    sys.stderr.write("deaf\n")
    sys.stderr.flush()
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


async def well(request: ModelRequest, on_event: Callable[[StreamEvent], None]) -> Step:
    """Ends at once, and leaves a thread that does not."""
    task = asyncio.get_running_loop().create_task(run_in_thread(partial(time.sleep, THREAD_S), name="sleep"))
    await asyncio.sleep(0.1)
    task.cancel()
    return text_step("Done.")


def main(how: str, folder: str) -> int:
    """The exit code, if it gets that far."""
    step = well if how == "done" else deaf
    vars(headless)["Session"] = partial(Session, model=FakeModel(step))
    config = SessionConfig(folder=Path(folder), team="t", endpoint=Endpoint("k", None, None), model="m")
    limit = LIMIT_S if how == "limit" else None
    return headless.run_task(config, headless.Task(text="go", output_format="json", max_duration_s=limit))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
