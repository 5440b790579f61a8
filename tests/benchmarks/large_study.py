"""What a study of very many campaigns costs: files and their collection by measurement, the load of a scheduler by
simulation. The table in host/docs/clusters.md is what this prints.

    python3 tests/benchmarks/large_study.py PROGRAM [CAMPAIGNS …]

Runs one campaign of 300 steps, copies it under the names of the others, and times `compare --missing` and
`compare --collect` on studies of so many campaigns: 2000, 8000 and 32000 unless said otherwise.
"""

import heapq
import json
import os
import random
import re
import subprocess
import sys
import tempfile

STRATEGIES = ["beacon", "ei", "mu", "random"]
PER_TASK, MOST_TASKS = 300, 1000
SECONDS, START = 2.5, 2.0


def measured(*command):
    """Seconds of a processor, and the most memory in MB, of a command that ends well."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    assert status == 0, command
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def fabricated(folder, campaigns):
    """Makes a study of one campaign one of so many."""
    cells = os.path.join(folder, "cells")
    with open(os.path.join(cells, "random-1.json")) as file:
        cell = json.load(file)
    seeds = campaigns // len(STRATEGIES)
    for strategy in STRATEGIES:
        for seed in range(1, seeds + 1):
            cell["campaign"].update({"strategy": strategy, "seed": seed})
            with open(os.path.join(cells, f"{strategy}-{seed}.json"), "w") as file:
                json.dump(cell, file, separators=(",", ":"))
    plan = os.path.join(folder, "study.toml")
    with open(plan) as file:
        text = file.read()
    text = re.sub(r"(?m)^seeds = .*$", f"seeds = {seeds}", text, count=1)
    text = re.sub(r"(?m)^strategies = .*$", f"strategies = {json.dumps(STRATEGIES)}", text, count=1)
    with open(plan, "w") as file:
        file.write(text)


def studies(program, sizes):
    print("| campaigns | files | bytes | `--missing` | `--collect` | memory |\n|---|---|---|---|---|---|")
    for campaigns in sizes:
        with tempfile.TemporaryDirectory() as folder:
            study = os.path.join(folder, "study")
            subprocess.run(
                [program, "compare", "--specimen", "nanoparticles:1", "--strategies", "random", "--seeds", "1"]
                + ["--steps", "300", "--out", study],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            fabricated(study, campaigns)
            names = os.listdir(os.path.join(study, "cells"))
            size = sum(os.path.getsize(os.path.join(study, "cells", name)) for name in names)
            missing, _ = measured(program, "compare", "--missing", study)
            collect, memory = measured(program, "compare", "--collect", study)
        print(
            f"| {campaigns} | {len(names)} | {size / 1e6:.0f} MB | {missing:.1f} s | {collect:.1f} s | {memory:.0f} MB |",
            flush=True,
        )


def scheduled(campaigns, slots):
    """An array over so many slots: (tasks, hours, seconds of a task, starts and files in the busiest minute)."""
    tasks = min(MOST_TASKS, -(-campaigns // PER_TASK))
    draw = random.Random(1)
    free = [0.0] * min(slots, tasks)
    starts, files, lengths = [], [], []
    for number in range(tasks):
        at = heapq.heappop(free)
        begun = at
        starts.append(at)
        # The log of the task.
        files.append(at)
        at += START
        for _ in range(campaigns * (number + 1) // tasks - campaigns * number // tasks):
            at += SECONDS * draw.uniform(0.5, 1.5)
            files.append(at)
        lengths.append(at - begun)
        heapq.heappush(free, at)

    def busiest(times):
        counts = {}
        for at in times:
            counts[int(at // 60)] = counts.get(int(at // 60), 0) + 1
        return max(counts.values())

    return tasks, max(free) / 3600, sum(lengths) / tasks, busiest(starts), busiest(files)


def schedule():
    print("| campaigns | slots | tasks | a task | all | starts a minute | files a second |\n|---|---|---|---|---|---|---|")
    for campaigns in [2000, 100_000]:
        for slots in [8, 100, 1000]:
            tasks, hours, length, starts, files = scheduled(campaigns, slots)
            print(
                f"| {campaigns} | {slots} | {tasks} | {length / 60:.0f} min | {hours:.1f} h | {starts} | {files / 60:.0f} |"
            )


if __name__ == "__main__":
    studies(sys.argv[1], [int(size) for size in sys.argv[2:]] or [2000, 8000, 32_000])
    print()
    schedule()
