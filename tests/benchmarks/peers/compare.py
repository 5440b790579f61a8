"""Runs every program on the same points in turn, and prints times and quality beside each other.

One round is one random set of points. In a round every program is first brought to the state
before the last point, which is not timed and warms it up; then theirs and ours take the step in
turn: ours, theirs, ours, theirs. A round's ratio is that of the two medians.

Ours is the default surrogate, `/cnn` and `ours-cnn` the network. The default is not fitted at every
point: its step is the mean over the points of a campaign from a sixth fewer to a sixth more, which
holds the fits that are due there, one with fresh starts among them.
"""

import argparse
import os
import random
import statistics
import sys
import time
from pathlib import Path

import torch

from acquisition import Acquisition
from exact import Exact
from ours import CNN, FILTERS, Ours
from published import Published
from scene import SEEDS, Scene

TURNS = 5  # of each program in a round; one for the published step, itself 100 epochs
now = time.perf_counter  # with --busy, of the CPU
REST = 0.05  # seconds between turns, in which the other side's idle threads stop spinning


class Results:
    """Seconds and judgements by name and number of points, one entry a round."""

    def __init__(self):
        self.times: dict[tuple[str, int], list[tuple[float, float]]] = {}
        self.quality: dict[tuple[str, int], list] = {}
        self.longest: dict[int, list[float]] = {}

    def add_times(self, name: str, count: int, turns: list[tuple[float, float]]) -> None:
        """A round's turns, ours and theirs; the medians are kept."""
        medians = tuple(statistics.median(side) for side in zip(*turns))
        self.times.setdefault((name, count), []).append(medians)

    def add_quality(self, name: str, count: int, judgement) -> None:
        self.quality.setdefault((name, count), []).append(judgement)

    def ratios(self):
        """Name, points, and the rounds' ratios of their time over ours."""
        for (name, count), pairs in self.times.items():
            yield name, count, [theirs / ours for ours, theirs in pairs]


def clock(step) -> float:
    """Seconds of a call."""
    started = now()
    step()
    return now() - started


def take_turns(ours, theirs, turns: int) -> list[tuple[float, float]]:
    """Seconds of ours, which times itself, and of theirs, in turn."""
    taken = []
    for _ in range(turns):
        time.sleep(REST)
        mine = ours()
        time.sleep(REST)
        taken.append((mine, clock(theirs)))
    return taken


def run_round(scene: Scene, ours: Ours, count: int, seed: int, results: Results) -> None:
    points = random.Random(seed).sample(range(scene.candidates), count)
    later = random.Random(seed).sample(scene.free(points), count // 6)
    judge_grown(scene, ours, points, seed, results)

    exact = Exact(scene, points, seed)
    compare_training(
        ours,
        {
            "published": Published(scene, points, seed),
            "published-elbo": Published(scene, points, seed, objective="elbo"),
            "exact": exact,
        },
        points,
        later,
        seed,
        results,
    )
    acquisition = Acquisition(exact, count)
    compare_network(ours, exact, acquisition, points, seed, results)
    ours.begin(points, seed, FILTERS)
    ours.prepare(count)
    ours.train(count)
    results.add_quality("ours", count, ours.judge(count))
    compare_decisions(ours, acquisition, count, results)


def judge_grown(scene: Scene, ours: Ours, points: list[int], seed: int, results: Results) -> None:
    """The quality of a whole campaign's training, a step a point, which the published step is
    too slow for."""
    count = len(points)
    for name, surrogate in [("ours", FILTERS), ("ours-cnn", CNN)]:
        ours.begin(points, seed, surrogate)
        ours.grow(count)
        results.add_quality(f"{name}, grown", count, ours.judge(count))
    exact = Exact(scene, points, seed)
    exact.grow(count)
    results.add_quality("exact, grown", count, exact.judge(count))


def compare_training(
    ours: Ours,
    programs: dict,
    points: list[int],
    later: list[int],
    seed: int,
    results: Results,
) -> None:
    """One training step of each, judged; then more of the same work for steadier times."""
    count = len(points)

    def step() -> float:
        """Seconds of ours a point; a campaign of its own each time."""
        ours.begin(points + later, seed, FILTERS)
        steps = ours.grow(count + len(later))[-2 * len(later) :]
        mean = statistics.fmean(steps)
        results.longest.setdefault(count, []).append(max(steps) / mean)
        return mean

    step()
    for name, program in programs.items():
        program.prepare(count)
        sides = (step, lambda: program.train(count))
        turns = take_turns(*sides, 1)
        results.add_quality(name, count, program.judge(count))
        if name == "exact":
            turns += take_turns(*sides, TURNS - 1)
        results.add_times(f"training/{name}", count, turns)


def compare_network(
    ours: Ours, exact: Exact, acquisition: Acquisition, points: list[int], seed: int,
    results: Results,
) -> None:
    """The same with our network instead of the default, beside the exact process alone."""
    count = len(points)
    ours.begin(points, seed, CNN)
    ours.prepare(count)
    turns = take_turns(lambda: ours.train(count), lambda: exact.train(count), 1)
    results.add_quality("ours-cnn", count, ours.judge(count))
    turns += take_turns(lambda: ours.train(count), lambda: exact.train(count), TURNS - 1)
    results.add_times("training/exact/cnn", count, turns)
    decide = lambda: ours.decide(count, "beacon-structure", False)
    compare_decision("decision/botorch/cnn", decide, acquisition.in_place, count, results)


def compare_decisions(ours: Ours, acquisition: Acquisition, count: int, results: Results) -> None:
    for strategy, suffix in [("beacon-structure", ""), ("beacon", "/beacon")]:
        for name, anew, theirs in [
            ("decision", False, acquisition.in_place),
            ("decision-anew", True, acquisition.anew),
        ]:
            compare_decision(
                f"{name}/botorch{suffix}", lambda: ours.decide(count, strategy, anew), theirs,
                count, results,
            )


def compare_decision(name: str, mine, theirs, count: int, results: Results) -> None:
    theirs()
    mine()
    results.add_times(name, count, take_turns(mine, theirs, TURNS))


def spread(values: list[float], form: str) -> str:
    """Mean and standard deviation over the rounds."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.fmean(values):{form}} ± {deviation:{form}}"


def print_tables(results: Results) -> None:
    print("\n| quality after the step | points | MAE | NLPD |\n|---|---|---|---|")
    for (name, count), judged in sorted(results.quality.items(), key=lambda item: item[0][1]):
        errors = spread([j.mae for j in judged], ".4f")
        print(f"| {name} | {count} | {errors} | {spread([j.nlpd for j in judged], '.3f')} |")
    print("\n| times theirs over ours | points | median | least | most |\n|---|---|---|---|---|")
    for name, count, ratios in results.ratios():
        middle = statistics.median(ratios)
        print(f"| {name} | {count} | {middle:.1f} | {min(ratios):.1f} | {max(ratios):.1f} |")
    print("\n| our longest fit over our mean step | points | median | least | most |")
    print("|---|---|---|---|---|")
    for count, ratios in sorted(results.longest.items()):
        middle = statistics.median(ratios)
        print(f"| ours | {count} | {middle:.1f} | {min(ratios):.1f} | {max(ratios):.1f} |")
    print()
    for name, count, ratios in results.ratios():
        middle = statistics.median(ratios)
        print(f"ratio {name} {count} {middle:.3f} {min(ratios):.3f} {max(ratios):.3f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--points", required=True)
    parser.add_argument("--busy", action="store_true")
    arguments = parser.parse_args()
    if arguments.busy:
        global now
        now = time.process_time
    counts = [int(word) for word in arguments.points.split(",")]

    scene = Scene.read(arguments.data)
    most = scene.candidates * 6 // 7
    for count in counts:
        if not SEEDS < count <= most:
            print(f"error: --points {count}: {SEEDS + 1} to {most} are accepted", file=sys.stderr)
            return 2
    ours = Ours(arguments.program, arguments.data, arguments.busy)
    print(
        f"{scene.candidates} candidates; {arguments.rounds} rounds; threads: "
        f"ours {ours.threads}, theirs {torch.get_num_threads()}; PyTorch {torch.__version__}; "
        f"load {os.getloadavg()[0]:.1f} before"
    )
    results = Results()
    for turn in range(arguments.rounds):
        for count in counts:
            run_round(scene, ours, count, turn + 1, results)
            print(f"round {turn + 1} at {count} points done", file=sys.stderr)
    ours.close()
    print(f"load {os.getloadavg()[0]:.1f} after")
    print_tables(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
