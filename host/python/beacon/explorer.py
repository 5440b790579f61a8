"""A campaign whose points you measure."""

from __future__ import annotations

import json
import operator
import os
import warnings
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
    overload,
)

import numpy as np

from . import _beacon
from .arrays import Pixel, given, order, pixel, pixels, taken, unmasked
from .data import Axis
from .targets import Responses, Target, check_function, name_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

    Path = Union[str, "os.PathLike[str]"]
    Array = NDArray[np.float64]
    Strategy = Union[str, Callable[[Array, Array, Array, Array, Array], ArrayLike]]


class Surrogate(NamedTuple):
    """What the model that decides expects of one target at every pixel; NaN where there is no candidate, and without
    a model."""

    mean: "Array"
    """Means, in units of the response."""
    sigma: "Array"
    """Standard deviations of the response itself, without the noise of measuring it once."""


class Map(NamedTuple):
    """The response at every pixel, as estimated from all points."""

    mean: "Array"
    """Means, in units of the response; NaN where there is no candidate."""
    sigma: "Array"
    """Standard deviations of the response itself, without the noise of measuring it once."""
    figures: Dict[str, float]
    """How good it is: what the others say of each point that is left out."""


class Explorer:
    """A campaign: asks for points one by one or in batches, and is told what was measured there, in any order.

    ``image`` is an array of rows and columns; a pixel without a number is no candidate, and neither is one where
    ``mask`` is false.

    ========================  =========================================================================
    ``window``                side of the square window around each candidate, in pixels, from 4 to 64
    ``strategy``              one of :data:`beacon.STRATEGIES`, or a function (below)
    ``seed``                  fixes every random number
    ``initial``, ``seeds``    how many random points come first, or which: rows and columns
    ``edges``                 ``"reflect"`` or ``"inside"``: windows that reach beyond the image
    ``surrogate``             ``"filters"``, ``"cnn"`` or ``"taught"``
    ``budget``                points in all: what there is memory for; 1000 at most unless said otherwise
    ``scalarizer``, ``axis``  how a spectrum becomes a number, as ``"line:Pd-La"``, or several ways; the axis
                              of the spectra: an :class:`Axis`, or their values
    ``responses``             names of several numbers that are told of each point
    ``target``                which scalarizer or response is sought, or several of them, up to four;
                              ``"spectrum:3"`` for the first three components of the spectra so far. The
                              first unless said otherwise
    ``journal``               a new folder: every event is on disk there before anything follows from it
    ``settings``              further settings by their names: ``k``, ``beta``, ``retrain_every``, ``training``…
    ========================  =========================================================================

    A strategy of your own is a function of five arrays with one entry for each candidate: posterior mean and
    standard deviation, a joint sample of the posterior, the sample's novelty (mean distance to the nearest ``k``
    known responses), all in units of the response, and the distance to the most alike measured patch. It returns
    scores; the free candidate with the highest is taken, and one without a number is not. Chance chooses the first
    points as it does for the others. It decides by one target.

    Several targets share one model, and a point counts where it has a number of each. The strategies that look for
    something new look for vectors unlike those measured; ``ei``, ``ucb`` and ``thompson`` decide by the first.

    Points that were asked for and are not told yet are taken for measured by whatever is asked for next, with the
    responses that the model expects there.
    """

    def __init__(
        self,
        image: "ArrayLike",
        window: int = 16,
        strategy: "Strategy" = _beacon.DEFAULT_STRATEGY,
        seed: int = 1,
        *,
        initial: int = 10,
        seeds: Optional[Sequence[Any]] = None,
        edges: str = "reflect",
        surrogate: str = "filters",
        budget: Optional[int] = None,
        mask: Optional["ArrayLike"] = None,
        scalarizer: Optional[Target] = None,
        axis: Union[Axis, "ArrayLike", None] = None,
        responses: Optional[Sequence[str]] = None,
        target: Optional[Target] = None,
        journal: Optional["Path"] = None,
        **settings: Any,
    ) -> None:
        self._function = strategy if callable(strategy) else None
        self._responses = Responses(responses)
        if "steps" in settings:
            raise ValueError("steps is no setting of an explorer; expected budget, points in all")
        if budget is not None and budget < 0:
            raise ValueError(f"budget is {budget}; expected more than the points to begin with")
        config = dict(
            settings,
            strategy=_beacon.DEFAULT_STRATEGY if callable(strategy) else strategy,
            seed=seed,
            window=window,
            initial=initial,
            edges=edges,
            surrogate=surrogate,
        )
        pixels_of_image = given(image, "image")
        first = None
        if seeds is not None:
            first = order(seeds, pixels_of_image[1], window, edges)
        channels, scalarizers = self._responses.channels(scalarizer, axis)
        targets = [] if target is None else self._responses.sought(target)
        if len(targets) > 1 and channels is None:
            raise ValueError(
                f"{len(targets)} targets, `{','.join(targets)}`, need the axis of the spectra; expected "
                "axis=Axis(name, units, values), or their values, or responses, the names of the numbers that are told"
            )
        self._check(strategy, targets)
        with self._responses.in_their_names():
            self._session = _beacon.Session(
                pixels_of_image,
                None if mask is None else _marked(mask, pixels_of_image[1]),
                json.dumps(config, default=_plain),
                first,
                budget,
                channels,
                scalarizers,
                targets,
                None if journal is None else os.fspath(journal),
            )
        if self._function is not None:
            self._command(["note", f"strategy: the function {name_of(self._function)}"])

    def _check(self, strategy: Any, targets: Sequence[str]) -> None:
        if callable(strategy):
            check_function(strategy, [self._responses.named(each) for each in targets])

    @classmethod
    def load(
        cls,
        folder: "Path",
        *,
        journal: bool = False,
        strategy: Optional[Callable[..., "ArrayLike"]] = None,
        responses: Optional[Sequence[str]] = None,
    ) -> "Explorer":
        """The campaign that was saved in a folder, or whose journal is there.

        With ``journal`` that journal goes on. A strategy that is a function, and the names of responses, are given
        again.
        """
        explorer = cls.__new__(cls)
        explorer._function = strategy
        explorer._responses = Responses(responses)
        explorer._session = _beacon.Session.load(os.fspath(folder), journal)
        explorer._check(strategy, explorer._targets())
        return explorer

    def save(self, folder: "Path") -> None:
        """Writes the campaign into a new folder, or brings one up to date into which it was saved before.

        Pending points are not part of it: what is measured there can be told all the same. ``beacon page`` and
        ``beacon ctl FOLDER status`` read the folder.
        """
        self._session.save(os.fspath(folder))

    @overload
    def ask(self) -> Pixel: ...

    @overload
    def ask(self, count: int) -> List[Pixel]: ...

    def ask(self, count: Optional[int] = None) -> Union[Pixel, List[Pixel]]:
        """Row and column of the point to measure next; with ``count`` a list of them, shorter where fewer are left.

        A strategy that is a function and fails, or is interrupted, leaves nothing pending of this call.

        :raises beacon.Over: when none is left.
        """
        if count is not None and operator.index(count) < 1:
            raise ValueError(f"count is {count}; expected 1 or more")
        if self._function is None:
            asked = self._session.ask(1 if count is None else count)
            return asked[0] if count is None else asked
        asking = _beacon.Asking()
        points: List[Pixel] = []
        try:
            for _ in range(1 if count is None else count):
                try:
                    points.append(self._choose(self._function, asking))
                except _beacon.Over:
                    if not points:
                        raise
                    break
            return points[0] if count is None else points
        except BaseException:
            self._session.forget(asking)
            raise

    def _choose(self, function: Callable[..., "ArrayLike"], asking: _beacon.Asking) -> Pixel:
        seen = self._session.see()
        if seen is None:
            return self._session.ask_for(asking)
        names = ("mean", "sigma", "sample", "novelty", "distance")
        arrays = seen.arrays()
        scores = np.asarray(function(*(taken(arrays[name]) for name in names)), dtype=float)
        free = np.asarray(seen.free(), dtype=bool)
        if scores.shape != free.shape:
            raise ValueError(
                f"the strategy returned scores of shape {scores.shape}; expected {free.shape}, one for each candidate"
            )
        scores = np.where(free & ~np.isnan(scores), scores, -np.inf)
        best = int(np.argmax(scores))
        if not free[best]:
            raise ValueError("the strategy gave no free candidate a number; expected a score at one at least")
        return self._session.choose(best, float(scores[best]), seen, asking)

    def tell(self, point: Any, value: Any) -> None:
        """Tells what was measured at a point, or at a list of points: a number, as many as there are responses, or a
        spectrum, of each.

        A point need not have been asked for. NaN or ``None`` is a measurement that has failed: its point is left out.
        What is told at once is trained on once.
        """
        several = np.ndim(point) == 2 or (isinstance(point, (list, tuple)) and len(point) == 0)
        points = pixels(point) if several else [pixel(point)]
        values = list(value) if several else [value]
        if len(points) != len(values):
            raise ValueError(f"{len(values)} values for {len(points)} points; expected one of each")
        if points:
            channels = self._session.channels()
            rows = [self._numbers(value, channels) for value in values]
            for place, row in zip(points, rows):
                if len(row) != channels:
                    raise ValueError(
                        f"row {place[0]}, column {place[1]} has {len(row)} numbers; expected {channels}, one for each "
                        "channel" + (", or a spectrum beside axis= and scalarizer=" if channels == 1 else "")
                    )
            self._session.tell(points, given(rows))

    def _numbers(self, value: Any, channels: int) -> "Array":
        try:
            if value is None or isinstance(value, np.ma.MaskedArray):
                value = np.nan if value is None else unmasked(value)
            numbers = np.asarray(value, dtype=float)
        except (TypeError, ValueError) as error:
            raise ValueError(f"a value is {value!r}; expected a number, or several") from error
        if numbers.ndim == 0 and np.isnan(numbers):
            return np.full(channels, np.nan)
        return numbers.reshape(-1)

    def __iter__(self) -> Iterator[Pixel]:
        """Asks for one point after another until none is left."""
        while True:
            try:
                asked = self.ask()
            except _beacon.Over:
                return
            yield asked

    @property
    def pending(self) -> List[Pixel]:
        """The points that were asked for and are not told yet."""
        return self._session.pending()

    def withdraw(self, point: Any) -> None:
        """Forgets that a point was asked for: it may be asked for again."""
        self._session.withdraw(pixel(point))

    def exclude(self, rows: Any, columns: Any) -> None:
        """Measures nothing in these rows and columns any more: each is a number, a ``range`` or a ``slice``."""
        self._command(["exclude", self._region(rows, columns)])

    def include(self, rows: Any, columns: Any) -> None:
        """Lets what was excluded there be measured again."""
        self._command(["include", self._region(rows, columns)])

    def _region(self, rows: Any, columns: Any) -> str:
        height, width = self.shape
        return f"{_span(rows, height, 'rows')},{_span(columns, width, 'columns')}"

    def discard(self, point: Any) -> None:
        """Lets a measurement count no more; it stays on record. The model is trained anew."""
        self._command(["discard", "{},{}".format(*pixel(point))])

    def restore(self, point: Any) -> None:
        """Lets a measurement that was discarded count again."""
        self._command(["restore", "{},{}".format(*pixel(point))])

    def note(self, text: str) -> None:
        """Puts a text on record."""
        self._command(["note", text])

    def _command(self, words: List[str]) -> None:
        with self._responses.in_their_names():
            told = self._session.command(words)
        for said in told:
            warnings.warn(self._responses.named(said), stacklevel=3)

    def _settings(self) -> Dict[str, Any]:
        settings: Dict[str, Any] = json.loads(self._session.settings())
        return settings

    @property
    def settings(self) -> Dict[str, Any]:
        """The settings in force."""
        return self._settings()["campaign"]  # type: ignore[no-any-return]

    @property
    def strategy(self) -> "Strategy":
        """What chooses; may be set."""
        return self._function if self._function is not None else self.settings["strategy"]

    @strategy.setter
    def strategy(self, strategy: "Strategy") -> None:
        if callable(strategy):
            self._check(strategy, self._targets())
            self._function = strategy
        elif not isinstance(strategy, str):
            raise ValueError(f"strategy is {strategy!r}; expected a name or a function")
        else:
            self._command(["strategy", strategy])
            self._function = None

    @property
    def target(self) -> Target:
        """The scalarizer or response that is sought, or a list of them where several are; may be set to either. The
        model is trained anew."""
        names = self._sought()
        return names[0] if len(names) == 1 else names

    @target.setter
    def target(self, target: Target) -> None:
        targets = self._responses.sought(target)
        self._check(self._function, targets)
        self._command(["target", ",".join(targets)])

    def _targets(self) -> List[str]:
        """All that is sought, as the library writes it."""
        targets: List[str] = self._settings()["targets"]
        return targets

    def _sought(self) -> List[str]:
        return [self._responses.named(target) for target in self._targets()]

    def _place(self, target: Optional[str]) -> int:
        """The place of a target among those that are sought; of ``None`` the first."""
        if target is None:
            return 0
        targets, wanted = self._targets(), self._responses.sought(target)
        if len(wanted) > 1 or wanted[0] not in targets:
            raise ValueError(f"`{target}` is not sought; expected one of {', '.join(self._sought())}")
        return targets.index(wanted[0])

    @property
    def budget(self) -> int:
        """Points in all; may be lowered, and raised up to what the campaign began with."""
        return int(self._settings()["budget"])

    @budget.setter
    def budget(self, budget: int) -> None:
        self._command(["budget", str(budget)])

    @property
    def shape(self) -> Tuple[int, int]:
        """Rows and columns of the image."""
        height, width, _, _ = self._session.geometry()
        return height, width

    @property
    def candidates(self) -> "NDArray[np.int64]":
        """Row and column of every candidate, in the order of a strategy's arrays: shape (n, 2)."""
        return np.asarray(self._session.pixels(), dtype=np.int64).reshape(-1, 2)

    def surrogate(self, target: Optional[str] = None) -> Surrogate:
        """The surrogate that decides, of one of the targets; of the first unless said otherwise."""
        maps = self._session.surrogate(self._place(target))
        if maps is None:
            return Surrogate(np.full(self.shape, np.nan), np.full(self.shape, np.nan))
        return Surrogate(taken(maps[0], self.shape), taken(maps[1], self.shape))

    @property
    def mean(self) -> "Array":
        """Posterior mean of the surrogate that decides, of several targets of the first, at every pixel; NaN where
        there is no candidate, and without a model."""
        return self.surrogate().mean

    @property
    def sigma(self) -> "Array":
        """Its standard deviation likewise, without the noise of measuring once."""
        return self.surrogate().sigma

    def map(self, target: Optional[str] = None) -> Optional[Map]:
        """The map to publish of one of the targets, of the first unless said otherwise; ``None`` where nothing was
        measured."""
        made = self._session.map(self._place(target))
        if made is None:
            return None
        mean, sigma, figures = made
        return Map(taken(mean, self.shape), taken(sigma, self.shape), json.loads(figures))

    @property
    def points(self) -> Dict[str, "NDArray[Any]"]:
        """Every point on record, in the order they were told: arrays by the names ``row``, ``column``,
        ``candidate``, ``response``, ``expected`` and ``expected_sigma`` (what the model expected when it chose the
        point), ``score``, ``seed`` and ``discarded``. Of several targets the responses are those of the first, and
        ``response:NAME``, ``expected:NAME`` and ``expected_sigma:NAME`` those of each."""
        points: Dict[str, "NDArray[Any]"] = {}
        for name, column in self._session.points().items():
            name, values = self._responses.named(name), taken(column)
            if name in ("row", "column", "candidate"):
                points[name] = values.astype(np.int64)
            elif name in ("seed", "discarded"):
                points[name] = values.astype(bool)
            else:
                points[name] = values
        return points

    def spectrum(self, point: Any) -> Optional["Array"]:
        """What was told of a measured point; ``None`` where nothing was."""
        told = self._session.spectrum(pixel(point))
        return None if told is None else taken(told)

    @property
    def left_out(self) -> List[Tuple[Pixel, str]]:
        """The points whose measurement failed, with the reason."""
        return [(place, self._responses.named(why)) for place, why in self._session.left_out()]

    @property
    def series(self) -> Dict[str, "Array"]:
        """The figures of every step so far, by their names in ``summary.json``; of several targets of the first."""
        series = json.loads(self._session.series())
        # Of the others they are how far the truth is away, which nobody has told.
        series.pop("further", None)
        return {name: np.asarray(values, dtype=float) for name, values in series.items()}

    @property
    def coverage(self) -> "Array":
        """Share of 100 bins between the lowest and the highest response so far that were visited, after each step.

        Of several targets it is the share of cells along the axes in which their vectors are uncorrelated: 10 × 10 of
        two, 5 × 5 × 5 of three and 3 × 3 × 3 × 3 of four.
        """
        return taken(self._session.coverage())

    @property
    def warnings(self) -> List[str]:
        """What went wrong without ending the campaign."""
        return [self._responses.named(said) for said in self._session.warnings()]

    def plot(self, image: Optional["ArrayLike"] = None) -> "Figure":
        """The image where it is given, mean, standard deviation and coverage, with the points; needs matplotlib."""
        from .plots import plot

        return plot(self, image)

    def __repr__(self) -> str:
        settings, rows = self._settings(), self.shape
        campaign = settings["campaign"]
        told = len(self.points["row"])
        return (
            f"<beacon.Explorer of {rows[0]} x {rows[1]} pixels, {told} of {settings['budget']} points told, "
            f"strategy {self.strategy!r}, seed {campaign['seed']}>"
        )


def _marked(mask: "ArrayLike", shape: Sequence[int]) -> List[bool]:
    array = np.asarray(mask)
    if list(array.shape) != list(shape):
        raise ValueError(f"the image has shape {tuple(shape)} and the mask {array.shape}; expected the same")
    marked = np.nan_to_num(array.astype(float), nan=0.0) != 0.0
    if not marked.any():
        raise ValueError("the mask marks no pixel; expected some where the sample may be measured")
    return [bool(mark) for mark in marked.ravel()]


def _span(of: Any, size: int, what: str) -> str:
    """Rows or columns as the program writes them."""
    if isinstance(of, slice):
        start, stop, step = of.indices(size)
    elif isinstance(of, range):
        start, stop, step = of.start, of.stop, of.step
    else:
        try:
            start, stop = of if isinstance(of, (tuple, list)) else (of, of + 1)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{what} are {of!r}; expected a number, a pair, a range or a slice") from error
        step = 1
    if step != 1:
        raise ValueError(f"{what} are {of!r}; expected neighbours, without a step")
    return f"{start}..{stop}"


def _plain(value: Any) -> Any:
    """What NumPy makes of a number, as JSON takes it."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} is of type {type(value).__name__}; expected a number, a text or a dict of these")


