"""Responses of data that were acquired before, as the library takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, NamedTuple, Optional, Tuple, Union

import numpy as np

from . import _beacon
from .arrays import given
from .data import Axis, Data, reduce
from .targets import Target, each_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Response = Union[ArrayLike, Mapping[str, ArrayLike]]


class Given(NamedTuple):
    """Maps by their names, or spectra with their axis and what a campaign reduces them to by itself."""

    maps: Dict[str, Any]
    reduced: Optional[Tuple[Tuple[str, str, bytes], List[str]]] = None

    def responses(self) -> List[Tuple[str, Tuple[bytes, List[int]]]]:
        """The arrays by their names."""
        return [(name, given(values, "response")) for name, values in self.maps.items()]


def taken_from(response: "Response", target: Optional[Target], axis: Union[Axis, "ArrayLike", None]) -> Given:
    """What is sought: a map, several by their names, or what the targets make of spectra."""
    if isinstance(response, Mapping):
        if target is not None or axis is not None:
            raise ValueError("responses by their names are maps; leave out target and axis")
        if not response:
            raise ValueError("the response names no map; expected one, or several")
        return Given(dict(response))
    if target is None:
        if axis is not None:
            raise ValueError("an axis belongs to spectra; expected target as well, what is sought of them")
        if np.ndim(response) == 3:
            raise ValueError(
                f"the response has shape {np.shape(response)}; expected rows and columns, or target beside spectra"
            )
        return Given({"response": response})
    targets = _beacon.sought(each_of(target))
    if axis is None and isinstance(response, Data) and response.has_spectra:
        axis = response.axes[-1]
    if np.ndim(response) != 3:
        raise ValueError(
            f"the response has shape {np.shape(response)}, which needs no target; leave out `{','.join(targets)}`"
        )
    if axis is None:
        raise ValueError(
            f"`{','.join(targets)}` needs the axis of the spectra; expected axis=Axis(name, units, values), or their "
            "values"
        )
    if not isinstance(axis, Axis):
        axis = Axis("channel", "", np.asarray(axis, dtype=float))
    if any(each.startswith("component:") for each in targets):
        # What they are depends on what was measured.
        return Given({"response": response}, (axis.given(), targets))
    return Given({each: reduce(response, axis, each) for each in targets})
