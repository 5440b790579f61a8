"""Ask and tell together beside the program's own step, in one run.

    target/python/bin/python host/python/bench.py [--rounds 5] [--steps 300]

Both explore the same data with the same seed on one thread each, in turns. Of the program its own account of a
step is taken, with and without judging the step; of the explorer the wall time of `ask` and `tell`, which judges
as well, though by what was measured alone. Ratios are those of a round; their median and range are printed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["RAYON_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent / "tests"))

import numpy as np  # noqa: E402

import beacon  # noqa: E402
from support import pfm, program  # noqa: E402


def of_the_program(folder: Path, steps: int) -> "tuple[float, float]":
    """Seconds a step, without judging and with it."""
    files = ("--image", folder / "image.npy", "--response", folder / "response.npy")
    words = ("--edges", "inside", "--steps", steps, "--json")
    done = subprocess.run(
        [program(), "replay", *files, *map(str, words)], capture_output=True, text=True, check=True
    )
    spent = json.loads(done.stdout)["time"]
    step = spent["deciding"] + spent["training"]
    return step / steps, (step + spent["monitoring"]) / steps


def of_the_explorer(image: np.ndarray, response: np.ndarray, steps: int) -> float:
    """Seconds a step."""
    explorer = beacon.Explorer(image, edges="inside", budget=10 + steps)
    began = time.perf_counter()
    for row, column in explorer:
        explorer.tell((row, column), response[row, column])
    return (time.perf_counter() - began) / steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    image, response = pfm()
    alone, judged, ours = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "image.npy", image)
        np.save(folder / "response.npy", response)
        for _ in range(options.rounds):
            step, with_judging = of_the_program(folder, options.steps)
            own = of_the_explorer(image, response, options.steps)
            ours.append(1e3 * own)
            alone.append(own / step)
            judged.append(own / with_judging)
    print(f"ask and tell: {statistics.median(ours):.2f} ms a step")
    for what, ratios in (("without judging it", alone), ("with judging it", judged)):
        low, high = min(ratios), max(ratios)
        print(f"beside the program's step {what}: {statistics.median(ratios):.2f} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
