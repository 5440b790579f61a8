"""Files, scores and comparisons, against the program and NumPy."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

import beacon

from support import explored, run


class Files(unittest.TestCase):
    def test_arrays_are_read_as_numpy_wrote_them(self) -> None:
        random = np.random.default_rng(1)
        image, spectra = random.random((6, 7)), random.random((6, 7, 5)).astype(np.float32)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            np.save(folder / "image.npy", image)
            np.savez(folder / "both.npz", image=image, spectra=spectra)
            self.assertEqual(beacon.load(folder / "image.npy").values.tolist(), image.tolist())
            self.assertEqual(len(beacon.contents(folder / "both.npz")), 2)
            read = beacon.load(f"{folder}/both.npz#spectra")
            self.assertTrue(read.has_spectra)
            self.assertEqual(np.asarray(read).tolist(), spectra.astype(float).tolist())
            turned = beacon.load(folder / "both.npz", "spectra", transpose=True)
            self.assertEqual(turned.values.tolist(), spectra.astype(float).transpose(1, 0, 2).tolist())
            summed = read.reduce("sum")
            self.assertTrue(np.allclose(summed.values, spectra.sum(axis=-1)))
            with self.assertRaisesRegex(FileNotFoundError, "no such file"):
                beacon.load(folder / "absent.npy")
            with self.assertRaisesRegex(ValueError, "unknown extension"):
                (folder / "notes.md").write_text("x")
                beacon.load(folder / "notes.md")
            with self.assertRaisesRegex(MemoryError, "do not fit into memory"):
                beacon.load(folder / "image.npy", most_memory=8)
            with self.assertRaisesRegex(ValueError, "scalarizer"):
                beacon.reduce(spectra, read.axes[-1], "sum:3")


class Studies(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        image, response, _ = beacon.specimen("ferroelectric")
        cls.image, cls.response = image.values[:24, :24], response.values[:24, :24]

    def files(self, folder: Path) -> "tuple[object, ...]":
        np.save(folder / "image.npy", self.image)
        np.save(folder / "response.npy", self.response)
        return "--image", folder / "image.npy", "--response", folder / "response.npy"

    def test_score_is_the_program_s(self) -> None:
        explorer = beacon.Explorer(self.image, window=8, initial=5, budget=20)
        order = explored(explorer, self.response)
        figures = beacon.score(self.image, self.response, order[5:], seeds=order[:5], window=8)
        numbers = beacon.score(
            self.image,
            self.response,
            [row * 24 + column for row, column in order[5:]],
            seeds=[row * 24 + column for row, column in order[:5]],
            window=8,
        )
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            rows = [f"{int(n >= 5)},{row},{column}" for n, (row, column) in enumerate(order)]
            (folder / "order.csv").write_text("step,row,column\n" + "\n".join(rows) + "\n")
            words = ("--order", folder / "order.csv", "--window", 8, "--json")
            theirs = json.loads(run("score", *self.files(folder), *words))
        for name in ("target_coverage", "patch_coverage", "mae", "nlpd"):
            self.assertEqual(figures[name].tolist(), theirs[name], name)
            self.assertEqual(numbers[name].tolist(), theirs[name], name)
        with self.assertRaisesRegex(ValueError, "was measured before"):
            beacon.score(self.image, self.response, [(3, 3), (3, 3)], window=8)

    def test_compare_is_the_program_s_with_orders_and_programs_of_others(self) -> None:
        def sure(mean, sigma, sample, novelty, distance):  # type: ignore[no-untyped-def]
            return sigma

        words = {"seeds": 2, "steps": 8, "window": 8, "initial": 5, "at": [8], "jobs": 1}
        mine = Path(__file__).with_name("others.py")
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            ours = beacon.compare(
                self.image, self.response, ["mu", sure, "random"], folder=folder / "ours", **words  # type: ignore[arg-type]
            )
            self.assertEqual(list(ours["strategies"]), ["mu", "sure", "random"])
            # What sees the same deviations takes the same points.
            self.assertEqual(self.orders(folder / "ours", "sure"), self.orders(folder / "ours", "mu"))
            for seed, order in enumerate(self.orders(folder / "ours", "random"), start=1):
                (folder / f"order{seed}.csv").write_text("patch_index\n" + "\n".join(map(str, order)) + "\n")
            theirs = json.loads(
                run(
                    *("compare", *self.files(folder), "--strategies", "mu,random", "--seeds", 2, "--steps", 8),
                    *("--window", 8, "--initial", 5, "--at", 8, "--json", "--out", folder / "theirs"),
                    *("--order", f"again={folder}/order{{seed}}.csv", "--external", f"{sys.executable} {mine}"),
                )
            )
            self.assertEqual(self.orders(folder / "theirs", "mu"), self.orders(folder / "ours", "mu"))
            # An order that is followed is judged as the strategy that made it.
            found = theirs["strategies"]
            self.assertEqual(found["again"]["auc_target_by_seed"], found["random"]["auc_target_by_seed"])
            self.assertEqual(found["again"]["at"]["8"]["mae"]["mean"], found["random"]["at"]["8"]["mae"]["mean"])
            # The program of others takes the brightest pixel first.
            brightest = np.argsort(-self.image.ravel(), kind="stable").tolist()
            for seeds, order in zip(self.orders(folder / "theirs", "others", "seeds"), self.orders(folder / "theirs", "others")):
                self.assertEqual(order, [n for n in brightest if n not in seeds][:8])

    def test_a_comparison_is_taken_up_where_it_is_and_added_to(self) -> None:
        calls = []
        weight = 1.0

        def sure(mean, sigma, sample, novelty, distance):  # type: ignore[no-untyped-def]
            calls.append(1)
            return weight * sigma

        def far(mean, sigma, sample, novelty, distance):  # type: ignore[no-untyped-def]
            return distance

        words = {"seeds": 2, "steps": 6, "window": 8, "initial": 5, "at": [6], "jobs": 1}

        def compared(folder: Path, *strategies: object) -> dict:
            return beacon.compare(self.image, self.response, strategies, folder=folder, **words)  # type: ignore[arg-type]

        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "study"

            def written() -> "dict[str, int]":
                return {cell.name: cell.stat().st_mtime_ns for cell in (folder / "cells").iterdir()}

            first = compared(folder, "mu", sure)
            # `calls` is one of the values that the function mentions, and has to be what it was.
            calls.clear()
            before = written()
            self.assertEqual(compared(folder, "mu", sure), first)
            self.assertEqual((calls, written()), ([], before))
            # What comes later is added, and what is there is not asked for again.
            added = compared(folder, far, "random")
            self.assertEqual(set(added["strategies"]), {"mu", "sure", "far", "random"})
            self.assertEqual(added["strategies"]["sure"]["auc_target"], first["strategies"]["sure"]["auc_target"])
            self.assertEqual((calls, {cell: written()[cell] for cell in before}), ([], before))
            # Another function of that name, which chooses otherwise.
            weight = -1.0
            changed = compared(folder, "mu", sure)
            self.assertEqual(len(calls), 12)
            self.assertNotEqual(changed["strategies"]["sure"]["auc_target"], first["strategies"]["sure"]["auc_target"])
            whole = compared(Path(name) / "whole", "mu", sure, far, "random")
            for strategy in ("mu", "sure", "far", "random"):
                areas = [study["strategies"][strategy]["auc_target_by_seed"] for study in (changed, whole)]
                self.assertEqual(areas[0], areas[1], strategy)

    @staticmethod
    def orders(folder: Path, strategy: str, of: str = "order") -> "list[list[int]]":
        cells = [folder / "cells" / f"{strategy}-{seed}.json" for seed in (1, 2)]
        return [json.loads(cell.read_text())["campaign"][of] for cell in cells]

    def test_what_cannot_be_compared(self) -> None:
        for words, arguments in (
            ("no strategy is called `best`", {"strategies": ["best"]}),
            ("1 orders of `mine` with 2 seeds", {"orders": {"mine": [[(0, 0)]]}}),
            ("has 1 steps; expected 8 or more", {"orders": {"mine": [[(0, 0)], [(0, 0)]]}}),
            ("the name of no strategy", {"externals": {"ei": "true"}}),
        ):
            with self.assertRaisesRegex(ValueError, words):
                strategies = arguments.pop("strategies", ["random"])
                beacon.compare(
                    self.image, self.response, strategies, seeds=2, steps=8, window=8, **arguments  # type: ignore[arg-type]
                )
        with self.assertRaisesRegex(RuntimeError, "mine with seed 1: it "):
            beacon.compare(
                self.image, self.response, ["random"], seeds=1, steps=4, window=8, externals={"mine": "exit 1"}
            )
        silent = {"mine": "sleep 600"}
        with self.assertRaisesRegex(RuntimeError, "`sleep 600` gave no answer for step 1 within 0.2 s"):
            beacon.compare(
                *(self.image, self.response, ["random"]),
                seeds=1,
                steps=4,
                window=8,
                externals=silent,
                external_patience=0.2,
            )
        with self.assertRaisesRegex(ValueError, "external_patience is 0; expected seconds above 0"):
            beacon.compare(self.image, self.response, ["random"], externals=silent, external_patience=0)


if __name__ == "__main__":
    unittest.main()
