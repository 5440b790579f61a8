"""Figures, where matplotlib is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from .explorer import Explorer


def plot(explorer: "Explorer", image: Optional["ArrayLike"] = None) -> "Figure":
    """The image where it is given, the mean of each target, the standard deviation of the first and coverage of an
    explorer, with its points."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install 'beacon[plots]'") from error
    targets = explorer._sought()
    surrogates = [explorer.surrogate(target) for target in targets]
    if len(targets) == 1:
        titles, deviation = ["mean"], "standard deviation"
    else:
        titles, deviation = [f"mean of {target}" for target in targets], f"standard deviation of {targets[0]}"
    maps = [(title, surrogate.mean, "viridis") for title, surrogate in zip(titles, surrogates)]
    maps.append((deviation, surrogates[0].sigma, "magma"))
    if image is not None:
        maps.insert(0, ("image", np.asarray(image, dtype=float), "gray"))
    panels = len(maps) + 1
    figure, axes = pyplot.subplots(1, panels, figsize=(3.6 * panels, 3.4), layout="constrained")
    points = explorer.points
    for place, (title, values, palette) in zip(axes, maps):
        _draw_map(place, title, values, palette)
        place.scatter(points["column"], points["row"], s=9, c="white", edgecolors="black", linewidths=0.5)
        figure.colorbar(place.images[0], ax=place, shrink=0.8)
    coverage = explorer.coverage
    last = axes[-1]
    last.plot(np.arange(1, len(coverage) + 1), coverage)
    cells = "share of 100 bins" if len(targets) == 1 else "share of cells"
    last.set(title="range of responses covered", xlabel="step", ylabel=cells, ylim=(0, 1))
    return figure


def _draw_map(axes: Any, title: str, values: Any, palette: str) -> None:
    axes.imshow(values, cmap=palette, interpolation="nearest")
    axes.set(title=title, xlabel="column", ylabel="row")
