"""Where the CPU goes, by samples of the stack: unlike a tracing profile it keeps the proportions."""

import signal
from collections import Counter
from types import FrameType

EVERY_S = 0.002


class Sampler:
    """Samples the main thread by its CPU time. `start` and `report` are called in the main thread."""

    def __init__(self) -> None:
        self._own: Counter[str] = Counter()
        self._within: Counter[str] = Counter()
        self._count = 0

    def start(self) -> None:
        """Begin."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def report(self, lines: int = 60) -> str:
        """End; which functions the CPU was in, and which were on the stack, in percent."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        told = [f"{self._count} samples", "within:"]
        told += [
            f"{100 * one / self._count:5.1f} {name}" for name, one in self._within.most_common(2 * lines)
        ]
        told.append("own:")
        told += [f"{100 * one / self._count:5.1f} {name}" for name, one in self._own.most_common(lines)]
        return "\n".join(told) + "\n"

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        self._count += 1
        seen: set[str] = set()
        is_own = True
        while frame is not None:
            code = frame.f_code
            name = f"{'/'.join(code.co_filename.split('/')[-2:])}:{code.co_firstlineno} {code.co_name}"
            if is_own:
                self._own[name] += 1
                is_own = False
            seen.add(name)
            frame = frame.f_back
        self._within.update(seen)
