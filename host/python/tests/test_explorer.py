"""Campaigns that are asked and told, against the program and against themselves."""

import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import numpy as np

import beacon

from support import explored, pfm, replay, run

STEPS = 100


def loaded(folder: Path) -> beacon.Explorer:
    """The explorer of a folder that another one lets go of, now or soon."""
    until = time.monotonic() + 60.0
    while True:
        try:
            return beacon.Explorer.load(folder)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


class Replayed(unittest.TestCase):
    """The judge is the program on the same data."""

    def test_the_loop_measures_the_points_of_a_replay_bit_for_bit(self) -> None:
        image, response = pfm()
        with tempfile.TemporaryDirectory() as folder:
            words = ("--edges", "inside", "--steps", STEPS, "--seed", 1)
            theirs = replay(Path(folder), image, response, *words)
        explorer = beacon.Explorer(image, window=16, seed=1, edges="inside", budget=10 + STEPS)
        explored(explorer, response)
        numbers = explorer.points["candidate"]
        self.assertEqual(numbers.tolist(), theirs["seeds"] + theirs["order"])
        mean, sigma = explorer.mean, explorer.sigma
        self.assertEqual(mean.tobytes(), theirs["surrogate_mean.npy"].astype(float).tobytes())
        self.assertEqual(sigma.tobytes(), theirs["surrogate_sigma.npy"].astype(float).tobytes())
        made = explorer.map()
        assert made is not None
        self.assertEqual(made.mean.tobytes(), theirs["map_mean.npy"].astype(float).tobytes())
        self.assertEqual(explorer.coverage.tolist(), theirs["observed_coverage"])

    def test_another_strategy_surrogate_and_seeds_are_the_program_s_too(self) -> None:
        image, response, _ = beacon.specimen("ferroelectric")
        image, response = image.values[:24, :30], response.values[:24, :30]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "seeds.csv").write_text("row,column\n3,4\n20,9\n11,25\n")
            words = ("--strategy", "ei", "--surrogate", "cnn", "--window", 8, "--steps", 12, "--seed", 5)
            theirs = replay(folder, image, response, *words, "--seeds-from", folder / "seeds.csv")
        explorer = beacon.Explorer(
            image, window=8, strategy="ei", surrogate="cnn", seed=5, seeds=[(3, 4), (20, 9), (11, 25)], budget=15
        )
        explored(explorer, response)
        self.assertEqual(explorer.points["candidate"].tolist(), theirs["seeds"] + theirs["order"])
        self.assertEqual(explorer.points["seed"].sum(), 3)


class Explored(unittest.TestCase):
    def setUp(self) -> None:
        image, response, _ = beacon.specimen("ferroelectric")
        self.image, self.response = image.values[:32, :32], response.values[:32, :32]

    def explorer(self, **more: object) -> beacon.Explorer:
        return beacon.Explorer(self.image, **{"window": 8, "initial": 6, "budget": 40, **more})  # type: ignore[arg-type]

    def told(self, explorer: beacon.Explorer, count: int) -> None:
        for _ in range(count):
            row, column = explorer.ask()
            explorer.tell((row, column), self.response[row, column])

    def test_batches_are_told_late_and_out_of_order(self) -> None:
        explorer = self.explorer()
        self.told(explorer, 10)
        first = explorer.ask(4)
        second = explorer.ask(3)
        self.assertEqual(explorer.pending, first + second)
        self.assertEqual(len(set(first + second)), 7)
        late = second[::-1] + first
        explorer.tell(late, [self.response[place] for place in late])
        self.assertEqual(explorer.pending, [])
        rows, columns = explorer.points["row"], explorer.points["column"]
        self.assertEqual(list(zip(rows, columns))[10:], late)
        # What nobody asked for counts as well.
        self.assertNotIn((31, 0), late)
        explorer.tell((31, 0), self.response[31, 0])
        self.assertEqual(len(explorer.points["row"]), 18)

    def test_several_responses_and_spectra(self) -> None:
        explorer = self.explorer(responses=["height", "area"])
        for row, column in explorer.ask(8):
            explorer.tell((row, column), [self.response[row, column], 1.0 + row])
        self.assertEqual(explorer.target, "height")
        explorer.target = "area"
        self.assertEqual(explorer.points["response"].tolist(), (1.0 + explorer.points["row"]).tolist())
        energies = np.arange(2.0, 4.0, 0.01)
        peak = np.exp(-(((energies - 2.84) / 0.06) ** 2))
        explorer = self.explorer(scalarizer="line:Pd-La", axis=beacon.Axis("Energy", "keV", energies))
        point = explorer.ask()
        spectrum = 100.0 * peak + 3.0
        explorer.tell(point, spectrum)
        expected = beacon.reduce(spectrum[None], beacon.Axis("Energy", "keV", energies), "line:Pd-La")
        self.assertEqual(explorer.points["response"].tolist(), expected.tolist())
        told = explorer.spectrum(point)
        assert told is not None
        self.assertEqual(told.tolist(), spectrum.tolist())

    def test_a_measurement_that_failed_is_left_out(self) -> None:
        explorer = self.explorer()
        self.told(explorer, 8)
        for value in (float("nan"), None, np.ma.masked, np.ma.array([1.0], mask=[True])):
            point = explorer.ask()
            explorer.tell(point, value)
            self.assertEqual(explorer.left_out[-1][0], point)
        self.assertEqual(len(explorer.points["row"]), 8)
        self.told(explorer, 1)

    def test_what_is_excluded_or_discarded(self) -> None:
        explorer = self.explorer()
        self.told(explorer, 8)
        waiting = explorer.ask(3)
        explorer.exclude(slice(None), slice(0, 16))
        self.assertEqual(explorer.pending, [place for place in waiting if place[1] >= 16])
        self.assertTrue(all(column >= 16 for _, column in explorer.ask(5)))
        explorer.include(range(0, 32), (0, 16))
        first = int(explorer.points["row"][0]), int(explorer.points["column"][0])
        explorer.discard(first)
        self.assertTrue(explorer.points["discarded"][0])
        explorer.restore(first)
        self.assertFalse(explorer.points["discarded"].any())

    def test_save_and_load_go_on_as_if_nothing_had_been(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            saved, journal = Path(name) / "saved", Path(name) / "journal"
            explorer = self.explorer(journal=journal)
            self.told(explorer, 9)
            explorer.tell(explorer.ask(), None)
            explorer.save(saved)
            self.told(explorer, 5)
            whole = explorer.points["candidate"].tolist()
            for folder in (saved, journal):
                if folder == journal:
                    # Nobody else may work in the folder until this process lets it go.
                    with self.assertRaises(OSError):
                        beacon.Explorer.load(folder)
                    del explorer
                again = loaded(folder)
                self.told(again, len(whole) - len(again.points["candidate"]))
                self.assertEqual(again.points["candidate"].tolist(), whole)
            status = run("ctl", saved, "status")
            self.assertRegex(status, r"points +9 of 40")
            self.assertIn("with the program that began it", status)
            self.assertIn("the program that began it may go on at any time", status)

    def test_a_strategy_in_python_chooses_the_best_free_candidate(self) -> None:
        seen = []

        def upper(mean, sigma, sample, novelty, distance):  # type: ignore[no-untyped-def]
            seen.append([len(a) for a in (mean, sigma, sample, novelty, distance)])
            return mean + 2.0 * sigma

        own = self.explorer(strategy=upper, budget=20)
        explored(own, self.response)
        kernel = self.explorer(strategy="ucb", beta=4.0, budget=20)
        explored(kernel, self.response)
        self.assertEqual(own.points["candidate"].tolist(), kernel.points["candidate"].tolist())
        self.assertEqual(seen, [[1024] * 5] * 14)
        batch = self.explorer(strategy=upper)
        self.told(batch, 8)
        self.assertEqual(len(set(batch.ask(6))), 6)
        with self.assertRaisesRegex(ValueError, r"shape \(2,\); expected \(1024,\)"):
            bad = self.explorer(strategy=lambda *_: [1.0, 2.0])
            self.told(bad, 7)

    def test_a_strategy_that_breaks_off_leaves_the_explorer_as_it_was(self) -> None:
        class Signal(BaseException):
            pass

        def interrupt(*_: object) -> None:
            # The next point may have set it again before Python told of this one.
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            raise Signal

        delay = 0.0

        def sure(mean, sigma, sample, novelty, distance):  # type: ignore[no-untyped-def]
            if delay > 0.0:
                signal.setitimer(signal.ITIMER_REAL, delay)
            return sigma

        whole = self.explorer(strategy=sure, budget=30)
        explored(whole, self.response)
        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            explorer, broken = self.explorer(strategy=sure, budget=30), 0
            for turn in range(24):
                # From within the function on until long after the choice.
                delay, asked = 2e-5 * 1.4 ** (turn % 12), False
                try:
                    explorer.ask(2)
                    asked = True
                    signal.setitimer(signal.ITIMER_REAL, 0.0)
                except Signal:
                    if not asked:
                        self.assertEqual(explorer.pending, [])
                        broken += 1
                delay = 0.0
                for point in explorer.pending:
                    explorer.withdraw(point)
                self.told(explorer, 1)
            self.assertGreater(broken, 0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)
        explored(explorer, self.response)
        self.assertEqual(explorer.points["candidate"].tolist(), whole.points["candidate"].tolist())

        turns = iter([True, True, False])

        def fails(mean, sigma, sample, novelty, distance):  # type: ignore[no-untyped-def]
            if next(turns):
                return sigma
            raise ZeroDivisionError

        explorer = self.explorer(strategy=fails)
        explorer.tell([(3, 3), (9, 9), (15, 3), (3, 15), (20, 20), (9, 25)], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        with self.assertRaises(ZeroDivisionError):
            explorer.ask(3)
        self.assertEqual(explorer.pending, [])

    def test_seeds_where_nothing_is_measured_are_told(self) -> None:
        mask = np.ones(self.image.shape, dtype=bool)
        mask[:, :8] = False
        image = self.image.copy()
        image[30, 30] = np.nan
        seeds = [(3, 4), (20, 9), (30, 30), (11, 25)]
        words = "2 of 4 seeds are no candidates: row 3, column 4; row 30, column 30"
        with self.assertRaisesRegex(ValueError, words):
            beacon.Explorer(image, window=8, mask=mask, seeds=seeds)
        explorer = beacon.Explorer(self.image, window=8, seeds=seeds)
        words = "2 of 4 seeds are not measured, excluded or without data: row 20, column 9; row 11, column 25"
        with self.assertWarnsRegex(UserWarning, words):
            explorer.exclude((11, 21), range(0, 32))
        self.assertEqual(explorer.ask(2), [(3, 4), (30, 30)])
        self.assertRegex(explorer.warnings[-1], words)

    def test_mask_and_nan_are_no_candidates(self) -> None:
        image = self.image.copy()
        image[:4] = np.nan
        mask = np.ones(image.shape, dtype=bool)
        mask[:, :20] = False
        explorer = beacon.Explorer(image, window=8, mask=mask, budget=30)
        self.assertTrue(all(row >= 4 and column >= 20 for row, column in explorer.ask(30)))

    def test_plots(self) -> None:
        try:
            import matplotlib
        except ImportError:
            self.skipTest("matplotlib is not installed")
        matplotlib.use("agg")
        explorer = self.explorer()
        self.told(explorer, 10)
        self.assertEqual(len(explorer.plot(self.image).axes), 7)
        self.assertIn("10 of 40 points told", repr(explorer))


class Refused(unittest.TestCase):
    """Exceptions of the fitting kind, with the program's own words."""

    def refused(self, kind: type, words: str):  # type: ignore[no-untyped-def]
        return self.assertRaisesRegex(kind, words)

    def test_settings_and_images(self) -> None:
        image = np.random.default_rng(1).random((20, 20))
        for kind, words, arguments in (
            (ValueError, "strategy is best; expected one of beacon", {"strategy": "best"}),
            (ValueError, "window is 99; expected 4 to 64", {"window": 99}),
            (ValueError, "unknown field `steep`", {"steep": 3}),
            (ValueError, "seed: invalid value: integer `-1`, expected a whole number from 0", {"seed": -1}),
            (ValueError, "steps is no setting of an explorer; expected budget", {"steps": 3}),
            (ValueError, "budget is -3; expected", {"budget": -3}),
            (ValueError, "the axis has 2 values; expected one or more, all of them finite", {"axis": [1.0, np.nan]}),
            (ValueError, "edges are `wrap`; expected inside or reflect", {"edges": "wrap"}),
            (ValueError, "budget is 3; expected more than the 10", {"budget": 3}),
            (ValueError, "budget is 500; expected at most the 400", {"budget": 500}),
            (IndexError, "row 20, column 0 lies outside an image of 20 x 20", {"seeds": [(20, 0)]}),
            (ValueError, "expected a row and a column", {"seeds": [3.5]}),
            (ValueError, "the mask marks no pixel", {"mask": image > 2}),
            (ValueError, "needs the axis", {"scalarizer": "sum"}),
            (ValueError, "no response is called `c`", {"responses": ["a", "b"], "target": "c"}),
        ):
            with self.refused(kind, words):
                beacon.Explorer(image, **arguments)  # type: ignore[arg-type]
        with self.refused(ValueError, r"the image has shape \[20\]; expected rows and columns"):
            beacon.Explorer(image[0])
        with self.refused(ValueError, "no array of numbers"):
            beacon.Explorer([["a", "b"]])
        with self.refused(ValueError, "the number of pixels with data of the image is 0"):
            beacon.Explorer(np.full((20, 20), np.nan))
        with self.refused(ValueError, "the image is complex; expected real numbers"):
            beacon.Explorer(image + 1j)

    def test_points_and_folders(self) -> None:
        image = np.random.default_rng(1).random((20, 20))
        explorer = beacon.Explorer(image, window=8, initial=4, budget=6)
        explorer.tell((3, 3), 1.0)
        with self.refused(ValueError, "row 3, column 3 was measured before; expected a pixel that can still"):
            explorer.tell((3, 3), 1.0)
        with self.refused(IndexError, "row -1, column 3 lies outside"):
            explorer.tell((-1, 3), 1.0)
        with self.refused(ValueError, "has 2 numbers; expected 1, .* or a spectrum beside axis= and scalarizer="):
            explorer.tell((4, 4), [1.0, 2.0])
        with self.refused(ValueError, "1 values for 2 points"):
            explorer.tell([(4, 4), (5, 5)], [1.0])
        with self.refused(ValueError, "row 4, column 4 was not measured"):
            explorer.discard((4, 4))
        with self.refused(ValueError, "rows are 'all'; expected a number, a pair, a range or a slice"):
            explorer.exclude("all", 4)
        explorer.exclude(4, 4)
        with self.refused(ValueError, "row 4, column 4 was excluded"):
            explorer.tell((4, 4), 1.0)
        self.assertEqual(len(explorer.ask(99)), 5)
        with self.refused(beacon.Over, "6 points are measured or pending, 5 of them pending"):
            explorer.ask()
        with self.refused(FileNotFoundError, "nowhere.*that `Explorer.save` wrote"):
            beacon.Explorer.load("nowhere")
        with tempfile.TemporaryDirectory() as folder:
            explorer.save(folder)
            with self.refused(FileExistsError, "another campaign is in it"):
                beacon.Explorer(image, window=8).save(folder)


INTERRUPTED = """
import os, signal, threading, time
import numpy, beacon

# Whoever began the tests in the background may have had it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
random = numpy.random.default_rng(1)
# Twenty thousand epochs take far longer than this may.
explorer = beacon.Explorer(
    random.random((64, 64)), surrogate="cnn", training={"initial_epochs": 20_000}, budget=40
)
points, turns = explorer.ask(10), 0


def interrupt():
    global turns
    began = time.monotonic()
    while time.monotonic() - began < 0.5:
        turns += 1
        time.sleep(0.005)
    global sent
    sent = time.monotonic()
    os.kill(os.getpid(), signal.SIGINT)


thread = threading.Thread(target=interrupt)
thread.start()
try:
    explorer.tell(points, random.random(10))
    print("never interrupted")
except KeyboardInterrupt:
    felt = time.monotonic()
    print("turns", turns, "felt", felt - sent, flush=True)
os._exit(0)
"""


class Interrupted(unittest.TestCase):
    """Work that takes seconds lets other threads run, and an interrupt through."""

    def test_the_interpreter_is_free_while_it_trains_and_an_interrupt_is_felt(self) -> None:
        done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False)
        words = done.stdout.split()
        self.assertEqual(words[:1], ["turns"], done.stdout + done.stderr)
        # It was felt while the training went on, and the other thread had its turns meanwhile.
        self.assertGreater(int(words[1]), 1)
        self.assertEqual(words[2], "felt")
        self.assertLess(float(words[3]), 1.0)


if __name__ == "__main__":
    unittest.main()
