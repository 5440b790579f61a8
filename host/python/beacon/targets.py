"""What is told of a point, and what is sought of that."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np

from . import _beacon
from .data import Axis

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Target = Union[str, Sequence[str]]
"""A name, or several."""


class Responses:
    """The numbers that are told of a point, by the names that the caller has for them, where there are any.

    To the library each is a channel of a spectrum, and its target the window around that channel.
    """

    def __init__(self, names: Optional[Sequence[str]]) -> None:
        if names is not None:
            if isinstance(names, str) or not names or len(set(names)) < len(names):
                raise ValueError(f"responses are {names!r}; expected names, each once")
        self._names = None if names is None else list(names)

    def channels(
        self, scalarizer: Optional[Target], axis: Union[Axis, "ArrayLike", None]
    ) -> Tuple[Optional[Tuple[str, str, bytes]], List[str]]:
        """The channels that the library is told of, and their scalarizers."""
        if self._names is not None:
            if scalarizer is not None or axis is not None:
                raise ValueError("responses are numbers by themselves; leave out scalarizer and axis")
            numbers = np.arange(len(self._names), dtype=float)
            return Axis("response", "", numbers).given(), self.written(self._names)
        if axis is None:
            if scalarizer is not None:
                raise ValueError(
                    f"the scalarizer `{scalarizer}` needs the axis of the spectra; expected axis=Axis(name, units, "
                    "values), or their values"
                )
            return None, []
        if not isinstance(axis, Axis):
            axis = Axis("channel", "", np.asarray(axis, dtype=float))
        values = np.asarray(axis.values, dtype=float)
        if values.size == 0 or not np.isfinite(values).all():
            raise ValueError(f"the axis has {values.size} values; expected one or more, all of them finite")
        chosen = [scalarizer] if isinstance(scalarizer, str) else list(scalarizer or ["sum"])
        return axis.given(), chosen

    def written(self, target: Target) -> List[str]:
        """Targets as the library takes them."""
        targets = each_of(target)
        if self._names is None:
            return targets
        for name in targets:
            if name not in self._names:
                raise ValueError(f"no response is called `{name}`; expected one of {', '.join(self._names)}")
        return [_window(self._names.index(name)) for name in targets]

    def sought(self, target: Target) -> List[str]:
        """The same, one for each number that is sought: ``spectrum:3`` stands for three."""
        with self.in_their_names():
            return _beacon.sought(self.written(target))

    def named(self, text: str) -> str:
        """A text of the library's, with the caller's names."""
        for place, name in enumerate(self._names or []):
            text = text.replace(_window(place), name)
        return text

    @contextmanager
    def in_their_names(self) -> Iterator[None]:
        """Has the library's refusals tell the caller's names."""
        try:
            yield
        except ValueError as error:
            raise ValueError(self.named(str(error))) from None


def _window(place: int) -> str:
    """The window around one channel, as the library writes it."""
    return f"window:{place - 0.25}..{place + 0.25}"


def each_of(target: Target) -> List[str]:
    """Each of the targets."""
    targets = [target] if isinstance(target, str) else list(target)
    if not targets or not all(isinstance(each, str) for each in targets):
        raise ValueError(f"the target is {target!r}; expected a name, or several")
    return targets


def name_of(strategy: Callable[..., Any]) -> str:
    """What a strategy that is a function is called."""
    name: str = getattr(strategy, "__name__", type(strategy).__name__)
    return name


def check_function(strategy: Callable[..., Any], targets: Sequence[str]) -> None:
    """Refuses a strategy that is a function where several targets are sought."""
    if len(targets) > 1:
        raise ValueError(
            f"{len(targets)} targets, `{','.join(targets)}`, with the strategy `{name_of(strategy)}`, a function, "
            "which decides by one; expected one target, or a strategy by its name"
        )
