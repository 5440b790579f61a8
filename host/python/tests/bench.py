"""Ask and tell together beside the program's own step, in one run.

    tests/python/install && cargo build --release
    target/python/bin/python host/python/tests/bench.py [--rounds 7] [--steps 200] [--busy]

Both explore the same data with the same seed on one thread each, in turns, so that their steps are the same work. Of
the program its own account of a step is taken; of the explorer the wall time of `ask` and `tell`, which judges the
step as well, though by what was measured alone. Other programs can only lengthen a step: of each the shortest of the
rounds counts, and the ratio is that of their sums. Behind it stands the range over single rounds.

`--busy`, where the computer does other work, takes CPU seconds of whole processes instead: what the second half of the
steps costs, with judging and the map to publish at the end on either side.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["RAYON_NUM_THREADS"] = "1"

import numpy as np

import beacon
from support import pfm, program


def of_the_program(folder: Path, steps: int) -> "tuple[np.ndarray, float]":
    """Seconds of each step without judging it, and of judging them all."""
    files = ("--image", folder / "image.npy", "--response", folder / "response.npy")
    words = ("--edges", "inside", "--steps", steps, "--json")
    done = subprocess.run(
        [program(), "replay", *map(str, files + words)], capture_output=True, text=True, check=True
    )
    summary = json.loads(done.stdout)
    return np.asarray(summary["seconds"]), summary["time"]["monitoring"]


def of_the_explorer(image: np.ndarray, response: np.ndarray, steps: int) -> np.ndarray:
    """Seconds of each step."""
    explorer = beacon.Explorer(image, edges="inside", budget=10 + steps)
    for row, column in explorer.ask(10):
        explorer.tell((row, column), response[row, column])
    seconds = []
    for _ in range(steps):
        began = time.perf_counter()
        point = explorer.ask()
        asked = time.perf_counter()
        value = response[point]
        measured = time.perf_counter()
        explorer.tell(point, value)
        seconds.append(time.perf_counter() - measured + asked - began)
    return np.asarray(seconds)


def cpu(*words: object) -> float:
    """CPU seconds of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(list(map(str, words)), capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


EXPLORED = """
import sys, numpy, beacon
image, response = (numpy.load(f"{sys.argv[1]}/{name}.npy") for name in ("image", "response"))
explorer = beacon.Explorer(image, edges="inside", budget=10 + int(sys.argv[2]))
for point in explorer:
    explorer.tell(point, response[point])
explorer.map()
"""


def busy(folder: Path, rounds: int, steps: int) -> None:
    """Prints the ratio of CPU seconds."""
    files = ("--image", folder / "image.npy", "--response", folder / "response.npy")
    replay = (program(), "replay", *files, "--edges", "inside", "--json", "--steps")
    explored = (sys.executable, "-c", EXPLORED, folder)
    spent: "dict[tuple[bool, int], list[float]]" = {}
    for _ in range(rounds):
        for count in (steps // 2, steps):
            for ours, words in ((False, replay), (True, explored)):
                spent.setdefault((ours, count), []).append(cpu(*words, count))
    half = steps - steps // 2
    ours, its = (min(spent[side, steps]) - min(spent[side, steps // 2]) for side in (True, False))
    print(f"ask and tell: {1e3 * ours / half:.2f} ms of CPU a step")
    print(f"beside the program's step with judging it: {ours / its:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--busy", action="store_true")
    options = parser.parse_args()
    image, response = pfm()
    theirs, ours, judging = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "image.npy", image)
        np.save(folder / "response.npy", response)
        if options.busy:
            return busy(folder, options.rounds, options.steps)
        for turn in range(options.rounds):
            if turn % 2:
                ours.append(of_the_explorer(image, response, options.steps))
            step, judged = of_the_program(folder, options.steps)
            theirs.append(step)
            judging.append(judged)
            if not turn % 2:
                ours.append(of_the_explorer(image, response, options.steps))
    own, its = np.min(ours, axis=0).sum(), np.min(theirs, axis=0).sum()
    print(f"ask and tell: {1e3 * own / options.steps:.2f} ms a step")
    for what, more in (("without judging it", 0.0), ("with judging it", 1.0)):
        rounds = [mine.sum() / (step.sum() + more * judged) for mine, step, judged in zip(ours, theirs, judging)]
        ratio = own / (its + more * min(judging))
        print(f"beside the program's step {what}: {ratio:.2f} (single rounds {min(rounds):.2f} to {max(rounds):.2f})")


if __name__ == "__main__":
    main()
