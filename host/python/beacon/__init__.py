"""Campaigns of BEACON in a notebook: which point is measured next?

>>> import numpy, beacon
>>> image, response, _ = beacon.specimen("ferroelectric")
>>> explorer = beacon.Explorer(image, seed=1, budget=20)
>>> for row, column in explorer:
...     explorer.tell((row, column), response.values[row, column])
>>> explorer.coverage.shape
(10,)

Rows and columns are those of the image, numbered from 0. What goes wrong is a ``ValueError`` (a value that is
not accepted), an ``IndexError`` (a pixel outside the image), an ``OSError`` (a file or folder), or
:class:`Over` (no point is left), in the program's own words.
"""

from ._beacon import ALGORITHM, STRATEGIES, Over, __version__
from .data import Axis, Data, contents, load, reduce, specimen
from .explorer import Explorer, Map, Surrogate
from .study import compare, score

__all__ = [
    "ALGORITHM",
    "STRATEGIES",
    "Axis",
    "Data",
    "Explorer",
    "Map",
    "Over",
    "Surrogate",
    "__version__",
    "compare",
    "contents",
    "load",
    "reduce",
    "score",
    "specimen",
]
