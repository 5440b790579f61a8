"""Orders that are scored, strategies that are compared."""

from __future__ import annotations

import json
import os
import tempfile
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Sequence, Union

import numpy as np

from . import _beacon
from .arrays import given, order as in_order
from .data import Axis, Data
from .explorer import Explorer, _plain
from .functions import KeptOrder, told_apart
from .responses import Given, taken_from
from .targets import Target, check_function, name_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .responses import Response

    Path = Union[str, "os.PathLike[str]"]

STEPS = (50, 100, 200, 300)


def score(
    image: "ArrayLike",
    response: "Response",
    order: Any,
    seeds: Any = (),
    *,
    target: Optional[Target] = None,
    axis: Union[Axis, "ArrayLike", None] = None,
    window: int = 16,
    edges: str = "reflect",
    latent: bool = False,
    **settings: Any,
) -> Dict[str, Any]:
    """The figures of any order in which somebody measured, as ``beacon score`` has them.

    ``response`` is a map, or several by their names, which are judged together: ``{"height": a, "loss": b}``. Of
    spectra ``target`` says what is sought, as :class:`Explorer` takes it, and ``axis`` is theirs unless they bring one.

    ``order`` and ``seeds``, which were measured before it, are rows and columns, or candidate numbers. Returns what
    ``beacon score --json`` prints: ``target_coverage``, ``patch_coverage``, ``mae``… as arrays with one entry for each
    step, and the rest. ``response`` is one map; of several responses at once ``beacon score`` has the figures. With ``latent`` exploration is judged in the latent space of an autoencoder as well.
    """
    pixels, shape = given(image, "image")
    config = dict(settings, window=window, edges=edges, surrogate=settings.get("surrogate", "filters"))
    sought = taken_from(response, target, axis)
    summary = _beacon.score(
        (pixels, shape),
        sought.responses(),
        sought.reduced,
        json.dumps(config, default=_plain),
        in_order(seeds, shape, window, edges),
        in_order(order, shape, window, edges),
        latent,
    )
    figures: Dict[str, Any] = json.loads(summary)
    for name, values in figures.items():
        if isinstance(values, list) and all(isinstance(value, (int, float, type(None))) for value in values):
            kind = np.int64 if name in ("seeds", "order") else float
            figures[name] = np.asarray(values, dtype=kind)
    return figures


def compare(
    image: "ArrayLike",
    response: "Response",
    strategies: Sequence[Union[str, Callable[..., "ArrayLike"]]] = _beacon.STRATEGIES,
    *,
    target: Optional[Target] = None,
    axis: Union[Axis, "ArrayLike", None] = None,
    seeds: int = 10,
    steps: int = 300,
    start: Any = (),
    orders: Optional[Mapping[str, Sequence[Any]]] = None,
    externals: Optional[Mapping[str, str]] = None,
    external_patience: float = 600.0,
    at: Sequence[int] = STEPS,
    folder: Optional["Path"] = None,
    jobs: Optional[int] = None,
    latent: bool = False,
    window: int = 16,
    edges: str = "reflect",
    initial: int = 10,
    **settings: Any,
) -> Dict[str, Any]:
    """Strategies against one another from the same points, seed by seed, with means, spreads and paired tests, as
    ``beacon compare --json`` prints them.

    ``response``, ``target`` and ``axis`` are those of :func:`score`. A strategy may be a function, as
    :class:`Explorer` takes it, where one map is sought; it takes part under its name. ``orders`` are those of
    others: for each name as many as there are seeds, of the points behind those to begin with. ``externals`` are
    programs by their command lines, which are asked and told over pipes and have ``external_patience`` seconds for an
    answer. ``start`` are the points that all begin with, instead of random ones.

    With ``folder`` finished campaigns are kept there and not run again, and what is asked for later is added to them.
    A function is known by its code and by what that mentions; where it has changed, or this cannot be known, it chooses
    again.
    """
    pixels, shape = given(image, "image")
    config = dict(settings, steps=steps, window=window, edges=edges, initial=initial)
    config.setdefault("surrogate", "filters")
    first = in_order(start, shape, window, edges)
    followed: Dict[str, List[Any]] = {}
    for name, several in (orders or {}).items():
        followed[name] = [in_order(order, shape, window, edges) for order in several]
    names: List[str] = []
    sought = taken_from(response, target, axis)
    for strategy in strategies:
        if not callable(strategy):
            names.append(strategy)
            continue
        values = _one_map(strategy, sought)
        name = name_of(strategy).strip("<>_")
        if name in names or name in followed or name in _beacon.STRATEGIES:
            raise ValueError(f"two strategies are called `{name}`; expected names that differ")
        own = {key: value for key, value in config.items() if key != "steps"}
        code = None if folder is None else told_apart(strategy)
        depends = (code, pixels, shape, values.tobytes(), values.shape, json.dumps(own, default=_plain), steps, first)
        followed[name] = []
        for seed in range(1, seeds + 1):
            kept = None if folder is None or code is None else KeptOrder(folder, name, seed, depends)
            chosen = kept.read() if kept is not None else None
            if chosen is None:
                chosen = _explored(image, values, strategy, seed, steps, first, own)
                if kept is not None:
                    kept.write(chosen)
            followed[name].append(chosen)
        names.append(name)
    with tempfile.TemporaryDirectory() as temporary:
        comparison: Dict[str, Any] = json.loads(
            _beacon.compare(
                (pixels, shape),
                sought.responses(),
                sought.reduced,
                response.name if isinstance(response, Data) else "arrays",
                json.dumps(config, default=_plain),
                names,
                seeds,
                first,
                followed,
                dict(externals or {}),
                [step for step in at if step <= steps] or [steps],
                os.path.join(temporary, "study") if folder is None else os.fspath(folder),
                jobs,
                latent,
                external_patience,
            )
        )
    return comparison


def _one_map(strategy: Callable[..., "ArrayLike"], sought: Given) -> "NDArray[np.float64]":
    """What a function decides by."""
    if sought.reduced is not None:
        targets = sought.reduced[1]
        raise ValueError(
            f"`{','.join(targets)}` with the strategy `{name_of(strategy)}`, a function, which decides by one map; "
            "expected a map, or a strategy by its name"
        )
    check_function(strategy, list(sought.maps))
    return np.asarray(next(iter(sought.maps.values())), dtype=float)


def _explored(
    image: "ArrayLike",
    values: Any,
    strategy: Callable[..., "ArrayLike"],
    seed: int,
    steps: int,
    first: List[Any],
    settings: Dict[str, Any],
) -> List[Any]:
    """The order in which a function explores."""
    mask = np.isfinite(values)
    count = len(first) or int(settings["initial"])
    own = dict(settings, seeds=first or None, mask=mask, budget=count + steps)
    explorer = Explorer(image, strategy=strategy, seed=seed, **own)
    for row, column in explorer:
        explorer.tell((row, column), values[row, column])
    points = explorer.points
    return list(zip(points["row"].tolist(), points["column"].tolist()))[count:]
