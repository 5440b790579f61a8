"""Several targets at once, against the program and against themselves."""

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np

import beacon

from support import files_of, replay_of, run

SIDE = 24
CHANNELS = 12
NAMES = ["height", "loss"]


def vectors(explorer: beacon.Explorer, *responses: np.ndarray) -> "list[tuple[int, int]]":
    """Asks and tells, until nothing is left, as many numbers as there are arrays, or spectra."""
    order = []
    for row, column in explorer:
        told = [response[row, column] for response in responses]
        explorer.tell((row, column), told if len(told) > 1 else told[0])
        order.append((row, column))
    return order


class Several(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        image, height, _ = beacon.specimen("ferroelectric")
        cls.image, cls.height = image.values[:SIDE, :SIDE], height.values[:SIDE, :SIDE]
        rows, columns = np.mgrid[:SIDE, :SIDE]
        cls.loss = 300.0 * np.cos(0.4 * rows) + columns
        channels = np.arange(CHANNELS)

        def line(centre: float, heights: np.ndarray) -> np.ndarray:
            shape: np.ndarray = heights[:, :, None] * np.exp(-0.5 * (channels - centre) ** 2)
            return shape

        heights = (20.0 + 2.0 * rows, 70.0 - 2.0 * columns, 90.0 * abs(np.sin(0.5 * rows)))
        cls.spectra = np.round(3.0 + sum(line(centre, height) for centre, height in zip((2.0, 6.0, 9.0), heights)))

    def explorer(self, **more: object) -> beacon.Explorer:
        settings = {"window": 8, "initial": 8, "budget": 20, "seed": 3, **more}
        return beacon.Explorer(self.image, **settings)  # type: ignore[arg-type]

    def both(self, **more: object) -> beacon.Explorer:
        return self.explorer(responses=NAMES, target=NAMES, **more)


class Replayed(Several):
    """The judge is the program on the same data."""

    WORDS = ("--window", 8, "--initial", 8, "--steps", 12, "--seed", 3)

    def same(self, explorer: beacon.Explorer, theirs: dict, further: np.ndarray) -> None:
        names = list(explorer.target)
        points = explorer.points
        self.assertEqual(points["candidate"].tolist(), theirs["seeds"] + theirs["order"])
        self.assertEqual(points["response"][8:].tolist(), theirs["responses"])
        self.assertEqual(points["response"].tolist(), points[f"response:{names[0]}"].tolist())
        rows, columns = points["row"], points["column"]
        np.testing.assert_allclose(points[f"response:{names[1]}"], further[rows, columns], rtol=1e-12)
        self.assertEqual(np.isfinite(points[f"expected:{names[1]}"]).tolist(), [n >= 8 for n in range(20)])
        self.assertEqual(explorer.mean.tobytes(), theirs["surrogate_mean.npy"].astype(float).tobytes())
        self.assertEqual(explorer.sigma.tobytes(), theirs["surrogate_sigma.npy"].astype(float).tobytes())
        made = explorer.map(names[0])
        assert made is not None
        self.assertEqual(made.mean.tobytes(), theirs["map_mean.npy"].astype(float).tobytes())
        self.assertEqual(explorer.series["observed_coverage"].tolist(), theirs["observed_coverage"])

    def test_several_responses_are_those_of_a_replay_bit_for_bit(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            data = {"height": self.height, "loss": self.loss}
            theirs = replay_of(Path(folder), self.image, data, *self.WORDS)
        explorer = self.both()
        vectors(explorer, self.height, self.loss)
        self.assertEqual(explorer.target, NAMES)
        self.same(explorer, theirs, self.loss)
        # That of the other one is in its own units.
        loss = explorer.surrogate("loss")
        self.assertGreater(np.ptp(loss.mean), 3 * np.ptp(explorer.mean))
        self.assertLess(np.abs(loss.mean - self.loss).mean(), np.abs(self.loss - self.loss.mean()).mean())
        made = explorer.map("loss")
        assert made is not None
        self.assertLess(np.abs(made.mean - self.loss).mean(), np.abs(self.loss - self.loss.mean()).mean())

    def test_components_and_scalarizers_of_spectra_are_those_of_a_replay_bit_for_bit(self) -> None:
        axis = np.arange(CHANNELS)
        windows = ["window:0..4", "window:7..11"]
        for target in ("spectrum:2", windows):
            words = ("--target", target if isinstance(target, str) else ",".join(target))
            with tempfile.TemporaryDirectory() as folder:
                theirs = replay_of(Path(folder), self.image, {"spectra": self.spectra}, *words, *self.WORDS)
            scalarizer = None if isinstance(target, str) else target
            explorer = self.explorer(axis=axis, target=target, scalarizer=scalarizer)
            vectors(explorer, self.spectra)
            if target == windows:
                self.assertEqual(explorer.target, windows)
                self.same(explorer, theirs, self.spectra[:, :, 7:].sum(axis=2))
                continue
            self.assertEqual(explorer.target, ["component:1/2", "component:2/2"])
            self.assertEqual(explorer.points["candidate"].tolist(), theirs["seeds"] + theirs["order"])
            self.assertEqual(explorer.mean.tobytes(), theirs["surrogate_mean.npy"].astype(float).tobytes())
            self.assertEqual(np.isfinite(explorer.surrogate("component:2/2").mean).all(), True)

    def test_coverage_is_the_program_s_where_everything_is_measured(self) -> None:
        image, height, loss = (of[:12, :12] for of in (self.image, self.height, self.loss))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            words = ("--window", 8, "--initial", 8, "--steps", 2, "--json", "--out", folder / "replay")
            files = files_of(folder, image, {"height": height, "loss": loss})
            occupied = json.loads(run("replay", *files, *words))["occupied_bins"]
        explorer = beacon.Explorer(image, window=8, budget=144, responses=NAMES, target=NAMES)
        pixels = [(row, column) for row in range(12) for column in range(12)]
        explorer.tell(pixels, [[height[place], loss[place]] for place in pixels])
        self.assertEqual(len(explorer.coverage), 134)
        self.assertEqual(explorer.coverage[-1], occupied / 100)
        self.assertTrue((np.diff(explorer.coverage) != 0).any())


class Explored(Several):
    def test_one_name_in_a_list_is_that_name(self) -> None:
        orders = []
        for target in ("loss", ["loss"], None):
            names = NAMES if target is not None else ["loss", "height"]
            explorer = self.explorer(responses=names, target=target)
            self.assertEqual(explorer.target, "loss")
            data = (self.height, self.loss) if target is not None else (self.loss, self.height)
            orders.append(vectors(explorer, *data))
            self.assertEqual([name for name in explorer.points if ":" in name], [])
            self.assertEqual(explorer.coverage.tolist(), explorer.series["observed_coverage"].tolist())
            self.assertEqual(explorer.surrogate("loss").mean.tobytes(), explorer.mean.tobytes())
        self.assertEqual(orders[0], orders[1])
        self.assertEqual(orders[0], orders[2])

    def test_targets_change_on_the_way(self) -> None:
        explorer = self.explorer(responses=["height", "loss", "third"])
        for row, column in explorer.ask(10):
            explorer.tell((row, column), [self.height[row, column], self.loss[row, column], 1.0])
        self.assertEqual(explorer.target, "height")
        explorer.target = ["loss", "third"]
        self.assertEqual(explorer.target, ["loss", "third"])
        points = explorer.points
        self.assertEqual(points["response:third"].tolist(), [1.0] * 10)
        self.assertEqual(points["response"].tolist(), self.loss[points["row"], points["column"]].tolist())
        with self.assertRaisesRegex(ValueError, "`height` is not sought; expected one of loss, third"):
            explorer.surrogate("height")
        with self.assertRaisesRegex(ValueError, "`height` is not sought; expected one of loss, third"):
            explorer.map("height")
        explorer.target = "height"
        self.assertEqual(explorer.target, "height")
        explorer = self.explorer(axis=np.arange(CHANNELS))
        for row, column in explorer.ask(10):
            explorer.tell((row, column), self.spectra[row, column])
        explorer.target = "window:0..4,spectrum:2"
        self.assertEqual(explorer.target, ["window:0..4", "component:1/2", "component:2/2"])
        self.assertTrue(np.isfinite(explorer.points["response:component:2/2"]).all())
        vectors(explorer, self.spectra)
        # A number may be written otherwise than it is told.
        self.assertEqual(explorer.surrogate("window:0.0..4.0").mean.tobytes(), explorer.mean.tobytes())

    def test_batches_late_points_and_failures(self) -> None:
        explorer = self.both(budget=30)
        waiting = explorer.ask(4)
        while len(explorer.points["row"]) < 16:
            waiting += explorer.ask(2)
            late, first = waiting.pop(), waiting.pop(0)
            explorer.tell([late, first], [[self.height[place], self.loss[place]] for place in (late, first)])
            self.assertEqual(explorer.pending, waiting)
        for value in (None, [1.0, np.nan], [np.nan, np.nan]):
            point = waiting.pop()
            explorer.tell(point, value)
            self.assertEqual(explorer.left_out[-1][0], point)
        self.assertRegex(explorer.left_out[-2][1], "^`loss`: its response is NaN; expected a finite number")
        explorer.discard((explorer.points["row"][0], explorer.points["column"][0]))
        self.assertTrue(np.isfinite(explorer.surrogate("loss").mean).all())
        with tempfile.TemporaryDirectory() as name:
            explorer.save(Path(name) / "saved")
            again = beacon.Explorer.load(Path(name) / "saved", responses=NAMES)
            self.assertEqual(again.target, NAMES)
            self.assertEqual(again.surrogate("loss").mean.tobytes(), explorer.surrogate("loss").mean.tobytes())
            for place in explorer.pending:
                explorer.withdraw(place)
            orders = [vectors(each, self.height, self.loss) for each in (explorer, again)]
            self.assertEqual(orders[0], orders[1])
            self.assertGreater(len(orders[0]), 5)
            status = run("ctl", Path(name) / "saved", "status")
            self.assertIn("window:-0.25..0.25", status)
            self.assertIn("window:0.75..1.25", status)

    def test_plots(self) -> None:
        try:
            import matplotlib
        except ImportError:
            self.skipTest("matplotlib is not installed")
        matplotlib.use("agg")
        explorer = self.both()
        for row, column in explorer.ask(10):
            explorer.tell((row, column), [self.height[row, column], self.loss[row, column]])
        titles = [axes.get_title() for axes in explorer.plot(self.image).axes]
        for title in ("mean of height", "mean of loss", "standard deviation of height"):
            self.assertIn(title, titles)


class Refused(Several):
    def refused(self, words: str):  # type: ignore[no-untyped-def]
        return self.assertRaisesRegex(ValueError, words)

    def test_targets(self) -> None:
        five = list("abcde")
        named = {"responses": five}
        spectra = {"axis": np.arange(CHANNELS)}
        for words, arguments in (
            ("no response is called `f`; expected one of a, b, c, d, e", {**named, "target": ["a", "f"]}),
            ("`b` is a target twice; expected each target once", {**named, "target": ["a", "b", "b"]}),
            ("5 targets, `a,b,c,d,e`; expected at most 4 in a campaign", {**named, "target": five}),
            (r"the target is \[\]; expected a name, or several", {**named, "target": []}),
            (r"the target is \[3\]; expected a name, or several", {**named, "target": [3]}),
            ("responses are 'ab'; expected names, each once", {"responses": "ab"}),
            ("unknown scalarizer `peak`", {**spectra, "target": ["sum", "peak"]}),
            ("`sum` is a target twice", {**spectra, "target": "sum,sum"}),
            ("`spectrum:5` names no components of spectra", {**spectra, "target": "spectrum:5"}),
            ("initial is 2; expected at least the 3 spectra", {**spectra, "target": "spectrum:3", "initial": 2}),
            ("initial is 2; expected at least", {**spectra, "target": "spectrum:3", "seeds": [(3, 4), (5, 6)]}),
            ("`spectrum:3` needs at least 3 channels; the axis has 2", {"axis": [1.0, 2.0], "target": "spectrum:3"}),
            ("2 targets, `sum,loop-area`, need the axis of the spectra; expected", {"target": ["sum", "loop-area"]}),
            ("3 targets, `.*`, need the axis of the spectra", {"target": "spectrum:3"}),
            ("beacon-elite with 2 targets; expected", {**named, "target": ["a", "b"], "strategy": "beacon-elite"}),
        ):
            with self.subTest(words), self.refused(words):
                self.explorer(**arguments)
        explorer = self.explorer(**named, target=["a", "b"])
        for words, target in (
            ("no response is called `f`", ["a", "f"]),
            ("`a` is a target twice", ["a", "a"]),
            ("5 targets, `a,b,c,d,e`; expected at most 4", five),
        ):
            with self.refused(words):
                explorer.target = target
        self.assertEqual(explorer.target, ["a", "b"])
        explorer.target = five[1:]
        self.assertEqual(explorer.target, five[1:])

    def test_a_function_decides_by_one_target(self) -> None:
        def bold(mean, sigma, sample, novelty, distance):  # type: ignore[no-untyped-def]
            return sigma

        words = "2 targets, `height,loss`, with the strategy `bold`, a function, which decides by one; expected"
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with self.refused(words):
                self.both(strategy=bold, journal=folder / "journal")
            # Nothing was begun.
            self.assertEqual(list(folder.iterdir()), [])
            explorer = self.both()
            with self.refused(words):
                explorer.strategy = bold
            explorer.save(folder / "saved")
            with self.refused(words):
                beacon.Explorer.load(folder / "saved", responses=NAMES, strategy=bold)
        explorer.target = "loss"
        explorer.strategy = bold
        with self.refused(words):
            explorer.target = NAMES
        vectors(explorer, self.height, self.loss)


class Studies(Several):
    def test_score_of_several_is_the_program_s(self) -> None:
        points = np.random.default_rng(1).permutation(SIDE * SIDE)[:20].tolist()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            rows = [f"{int(n >= 8)},{point // SIDE},{point % SIDE}" for n, point in enumerate(points)]
            (folder / "order.csv").write_text("step,row,column\n" + "\n".join(rows) + "\n")
            words = ("--order", folder / "order.csv", "--window", 8, "--json")
            maps = {"height": self.height, "loss": self.loss}
            axis = beacon.Axis("channel", "px", np.arange(CHANNELS, dtype=float))
            for responses, target in ((maps, None), ({"spectra": self.spectra}, "spectrum:2")):
                files = files_of(folder, self.image, responses)
                theirs = json.loads(run("score", *files, *words, *(("--target", target) if target else ())))
                ours = beacon.score(
                    self.image,
                    responses if target is None else self.spectra,
                    points[8:],
                    seeds=points[:8],
                    target=target,
                    axis=None if target is None else axis,
                    window=8,
                )
                for figure in ("target_coverage", "mae", "nlpd"):
                    self.assertEqual(ours[figure].tolist(), theirs[figure], figure)
                self.assertEqual(ours["further"][0]["mae"], theirs["further"][0]["mae"])
                self.assertEqual(len(ours["further"]), 1)
            # What targets make of spectra are maps by their names.
            windows = ["window:0..4", "window:7..11"]
            reduced = {window: beacon.reduce(self.spectra, axis, window) for window in windows}
            by_maps = beacon.score(self.image, reduced, points, window=8)
            by_target = beacon.score(self.image, self.spectra, points, target=windows, axis=axis, window=8)
            self.assertEqual(by_maps["target_coverage"].tolist(), by_target["target_coverage"].tolist())

    def test_compare_of_several_is_the_program_s(self) -> None:
        maps = {"height": self.height, "loss": self.loss}
        ours = beacon.compare(self.image, maps, ["beacon", "random"], seeds=2, steps=6, window=8, at=[6], jobs=1)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            theirs = json.loads(
                run(
                    *("compare", *files_of(folder, self.image, maps), "--strategies", "beacon,random", "--seeds", 2),
                    *("--steps", 6, "--window", 8, "--at", 6, "--json", "--out", folder / "study"),
                )
            )
        for strategy in ("beacon", "random"):
            areas = [of["strategies"][strategy]["auc_target_by_seed"] for of in (ours, theirs)]
            self.assertEqual(areas[0], areas[1])

    def test_what_cannot_be_judged(self) -> None:
        def bold(mean, sigma, sample, novelty, distance):  # type: ignore[no-untyped-def]
            return sigma

        maps = {"height": self.height, "loss": self.loss}
        axis = np.arange(CHANNELS)
        five = {name: self.height for name in "abcde"}
        for words, response, arguments in (
            ("2 targets, `height,loss`, with the strategy `bold`, a function", maps, {"strategies": [bold]}),
            (
                "with the strategy `bold`, a function, which decides by one map; expected a map",
                self.spectra,
                {"strategies": [bold], "target": "spectrum:2", "axis": axis},
            ),
            ("the number of responses is 5; expected 1 to 4", five, {}),
            ("the response names no map; expected one, or several", {}, {}),
            ("responses by their names are maps; leave out target and axis", maps, {"target": "sum"}),
            ("an axis belongs to spectra; expected target as well", self.height, {"axis": axis}),
            ("which needs no target; leave out `sum`", self.height, {"target": "sum", "axis": axis}),
            ("`sum` needs the axis of the spectra", self.spectra, {"target": "sum"}),
            (r"the response has shape \(24, 24, 12\); expected rows and columns, or target", self.spectra, {}),
            ("and its axis 2 values; expected", self.spectra, {"target": "spectrum:2", "axis": [1.0, 2.0]}),
            ("`sum` is a target twice", self.spectra, {"target": ["sum", "sum"], "axis": axis}),
        ):
            strategies = arguments.pop("strategies", ["random"])
            with self.subTest(words), self.refused(words):
                beacon.compare(
                    self.image, response, strategies, seeds=1, steps=2, window=8, **arguments  # type: ignore[arg-type]
                )
            if strategies == ["random"]:
                order = [(1, 2), (3, 4)]
                with self.subTest(words), self.refused(words):
                    beacon.score(self.image, response, order, window=8, **arguments)  # type: ignore[arg-type]

    def refused(self, words: str):  # type: ignore[no-untyped-def]
        return self.assertRaisesRegex(ValueError, words)


if __name__ == "__main__":
    unittest.main()
