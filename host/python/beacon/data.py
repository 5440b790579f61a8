"""Files of instruments and programs, and built-in specimens."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Tuple, Union

import numpy as np

from . import _beacon
from .arrays import given, taken

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Axis:
    """What an index along an array means in the world."""

    name: str
    """What is measured along it, such as ``Energy``."""
    units: str
    """Units of the values; empty or ``px`` without a calibration."""
    values: "NDArray[np.float64]"
    """One value for each index; not monotonic for a hysteresis loop."""

    def given(self) -> Tuple[str, str, bytes]:
        """The axis as the library takes it."""
        return self.name, self.units, given(self.values, "axis")[0]


@dataclass(frozen=True)
class Data:
    """A map of rows and columns, or spectra with the channel last, with calibrated axes.

    NumPy takes it as the array of its values.
    """

    values: "NDArray[np.float64]"
    axes: List[Axis]
    quantity: str = ""
    units: str = ""
    beam_energy: Optional[float] = None
    """Energy of the beam, in keV, where the file says it."""
    dwell: Optional[float] = None
    """Time that the beam stays on a pixel, in seconds, where the file says it."""
    live_time: Optional[float] = None
    """Time that the detector counted, in seconds, where the file says it."""
    name: str = field(default="data", repr=False)

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> "NDArray[Any]":
        array = self.values if dtype is None else self.values.astype(dtype)
        return array.copy() if copy else array

    @property
    def shape(self) -> Tuple[int, ...]:
        """Rows, columns and, of spectra, channels."""
        return self.values.shape

    @property
    def has_spectra(self) -> bool:
        """Whether every pixel has a spectrum."""
        return self.values.ndim == 3

    def reduce(self, scalarizer: str) -> "Data":
        """The map that a scalarizer makes of the spectra; see :func:`reduce`."""
        if not self.has_spectra:
            raise ValueError(f"a map needs no scalarizer, and `{scalarizer}` is one; leave it out")
        return Data(reduce(self.values, self.axes[-1], scalarizer), self.axes[:2], scalarizer)


def _data(of: Mapping[str, Any], name: str) -> Data:
    axes = [Axis(axis["name"], axis["units"], taken(axis["values"])) for axis in of["axes"]]
    conditions = {key: of.get(key) for key in ("beam_energy", "dwell", "live_time")}
    values = taken(of["values"], of["shape"])
    return Data(values, axes, of["quantity"], of["units"], name=name, **conditions)


def load(
    location: Union[str, "os.PathLike[str]"],
    wanted: str = "any",
    transpose: bool = False,
    most_memory: int = 4 << 30,
) -> Data:
    """Reads an image or spectra from any file that the program reads.

    ``location`` is a file, or ``file#path/inside`` for one of several in it, as :func:`contents` lists them.
    ``wanted`` is ``"map"`` or ``"spectra"`` where a file has both. ``transpose`` exchanges rows and columns of a
    file that stores them the other way round. Values take at most ``most_memory`` bytes.
    """
    if wanted not in ("any", "map", "spectra"):
        raise ValueError(f"wanted is {wanted!r}; expected 'any', 'map' or 'spectra'")
    location = os.fspath(location)
    return _data(_beacon.read(location, wanted, transpose, most_memory), location)


def contents(location: Union[str, "os.PathLike[str]"]) -> List[str]:
    """The locations of everything in a file that :func:`load` reads."""
    return _beacon.locations(os.fspath(location))


def reduce(spectra: "ArrayLike", axis: Axis, scalarizer: str) -> "NDArray[np.float64]":
    """The number of each spectrum, the channel being the last dimension; ``scalarizer`` is one of the
    program's, as ``line:Pd-La`` or ``window:2.7..3.0``."""
    values, shape = given(spectra, "spectra")
    return taken(_beacon.reduce((values, shape), axis.given(), scalarizer), shape[:-1])


def specimen(name: str = "nanoparticles") -> Tuple[Data, Data, Data]:
    """A built-in specimen: its image, what is measured at every pixel, and what would be without noise.

    ``name`` is ``nanoparticles``, ``ferroelectric`` or ``plasmonic``; ``name:2`` is another of its kind.
    """
    image, measured, truth = _beacon.specimen(name)
    return _data(image, name), _data(measured, name), _data(truth, name)
