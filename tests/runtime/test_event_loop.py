"""The loop of the screen: fair among many sockets, and a loop like any other in all else."""

import asyncio
import os
import socket
import sys
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from quarterdeck.runtime.event_loop import new_loop

SOCKETS = 400


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in the loop under test."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main)


@pytest.mark.skipif(sys.platform != "linux", reason="the loop is Python's own elsewhere")
def test_what_is_called_soon_does_not_wait_until_every_ready_socket_was_read() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        pairs = [socket.socketpair() for _ in range(SOCKETS)]
        read: list[int] = []
        seen_at: list[int] = []
        whole = asyncio.Event()

        def take(at: int) -> None:
            read.append(at)
            pairs[at][0].recv(10)
            if len(read) == SOCKETS:
                whole.set()
            if len(read) == 1:
                loop.call_soon(lambda: seen_at.append(len(read)))

        for at, (mine, _theirs) in enumerate(pairs):
            mine.setblocking(False)
            loop.add_reader(mine, take, at)
        for _mine, theirs in pairs:
            theirs.send(b"x")
        async with asyncio.timeout(10):
            await whole.wait()
        assert seen_at[0] < SOCKETS / 2
        assert sorted(read) == list(range(SOCKETS))
        for mine, theirs in pairs:
            loop.remove_reader(mine)
            mine.close()
            theirs.close()

    run(main())


def test_sockets_that_are_always_ready_starve_no_other_one() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        pairs = [socket.socketpair() for _ in range(SOCKETS)]
        rounds = [0] * SOCKETS
        done = asyncio.Event()

        def look(at: int) -> None:
            rounds[at] += 1
            if min(rounds) >= 3:
                done.set()

        for at, (mine, theirs) in enumerate(pairs):
            theirs.send(b"never read")
            loop.add_reader(mine, look, at)
        async with asyncio.timeout(20):
            await done.wait()
        assert max(rounds) <= 6
        for mine, theirs in pairs:
            loop.remove_reader(mine)
            mine.close()
            theirs.close()

    run(main())


def test_timers_threads_and_connections_work_as_in_any_loop() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    async def main() -> None:
        began = time.monotonic()
        await asyncio.sleep(0.05)
        assert time.monotonic() - began >= 0.05
        assert await asyncio.get_running_loop().run_in_executor(None, lambda: 7) == 7
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        assert await reader.readline() == b"hello\n"
        writer.close()
        server.close()
        await server.wait_closed()

    run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="the loop is Python's own elsewhere")
def test_a_closed_loop_leaves_no_file_open() -> None:
    def files() -> int:
        return len(os.listdir("/proc/self/fd"))

    async def main() -> None:
        await asyncio.sleep(0)

    run(main())
    before = files()
    run(main())
    assert files() == before
