"""Our side, in a process that stays: it times its own work and answers in lines."""

import subprocess
import time
from pathlib import Path

from scene import SEEDS, Judgement

FILTERS, CNN = "filters", "cnn"  # our surrogates; the first is the default


class Ours:
    """The trainers and the kernel as campaigns use them, with every default."""

    def __init__(self, program: Path, folder: Path, busy: bool):
        maps = [str(folder / "image.npy"), str(folder / "scalarizer.npy")]
        self.process = subprocess.Popen(
            [str(program), *maps], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        # Linux's number of the process's CPU clock, as `clock_getcpuclockid` has it.
        self.cpu_clock = (~self.process.pid << 3) | 2 if busy else None
        self.threads = int(self._answer()["threads"])

    def begin(self, points: list[int], seed: int, surrogate: str) -> None:
        """An untrained model, and the points in the order they are measured."""
        self._ask("points", surrogate, seed, *points)

    def prepare(self, count: int) -> None:
        """The first fit, on all points but the last."""
        self._ask("train", count - 1)

    def grow(self, count: int) -> list[float]:
        """As a campaign has it: the first fit on 10 points, then a step for each further point.
        Seconds of the steps up to this many points."""
        self._ask("train", SEEDS)
        return [self.train(known) for known in range(SEEDS + 1, count + 1)]

    def train(self, count: int) -> float:
        """Seconds of one training step; of the CPU where others use it too."""
        if self.cpu_clock is None:
            return float(self._ask("train", count)["seconds"])
        started = time.clock_gettime(self.cpu_clock)
        self._ask("train", count)
        return time.clock_gettime(self.cpu_clock) - started

    def decide(self, count: int, strategy: str, anew: bool) -> float:
        """Seconds of one decision, after training or with the model in place."""
        verb = "decide-anew" if anew else "decide"
        return float(self._ask(verb, count, strategy)["seconds"])

    def judge(self, count: int) -> Judgement:
        figures = self._ask("judge", count)
        return Judgement(float(figures["mae"]), float(figures["nlpd"]))

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()

    def _ask(self, *words) -> dict[str, str]:
        print(*words, file=self.process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, str]:
        line = self.process.stdout.readline().strip()
        if not line.startswith("ok "):
            raise RuntimeError(f"our side answered {line!r}")
        words = line.split()[1:]
        return dict(zip(words[::2], words[1::2]))
