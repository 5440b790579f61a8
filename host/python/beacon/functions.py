"""Orders that functions chose, kept beside the study that they are judged in."""

from __future__ import annotations

import dis
import hashlib
import json
import os
import tempfile
import types
from typing import Any, Callable, Iterable, Iterator, List, Optional, Tuple, Union

import numpy as np

from . import _beacon
from .arrays import Pixel

Path = Union[str, "os.PathLike[str]"]


class _Unknown(Exception):
    """Something that a function depends on cannot be told from another."""


def told_apart(function: Callable[..., Any]) -> Optional[str]:
    """What a function does, as text that differs where its code does, or a value that it mentions: a default, a
    variable around it, a global one. What belongs to another module counts by its name. ``None`` where that cannot be
    known."""
    if not isinstance(function, types.FunctionType):
        return None
    try:
        return repr(_form(function, function.__module__, ()))
    except _Unknown:
        return None


def _form(value: Any, home: str, within: Tuple[int, ...]) -> Any:
    if id(value) in within:
        return "itself"
    within += (id(value),)

    def several(values: Iterable[Any]) -> List[Any]:
        return [_form(each, home, within) for each in values]

    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, type(...), np.generic)):
        return (type(value).__name__, repr(value))
    if isinstance(value, (tuple, list)):
        return (type(value).__name__, several(value))
    if isinstance(value, (set, frozenset)):
        return (type(value).__name__, sorted(map(repr, several(value))))
    if isinstance(value, dict):
        return ("dict", [several(pair) for pair in value.items()])
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return ("array", str(value.dtype), value.shape, hashlib.sha256(value.tobytes()).hexdigest())
    if isinstance(value, types.ModuleType):
        return ("module", value.__name__, str(getattr(value, "__version__", "")))
    if isinstance(value, types.CodeType):
        parts = (value.co_names, value.co_varnames, value.co_freevars, value.co_flags, value.co_consts)
        return ("code", value.co_code, several(parts))
    if isinstance(value, np.ufunc):
        return ("ufunc", value.__name__)
    if getattr(value, "__module__", None) not in (home, None) and hasattr(value, "__qualname__"):
        return ("of a module", value.__module__, value.__qualname__)
    if isinstance(value, types.FunctionType):
        around = _contents(value)
        mentioned = {name: value.__globals__[name] for name in _names(value.__code__) if name in value.__globals__}
        return ("function", several((value.__code__, value.__defaults__, value.__kwdefaults__, around, mentioned)))
    raise _Unknown


def _contents(function: types.FunctionType) -> List[Any]:
    try:
        return [cell.cell_contents for cell in function.__closure__ or ()]
    except ValueError as error:
        raise _Unknown from error


def _names(code: types.CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            yield from _names(part)


class KeptOrder:
    """The order that a function chose with a seed, in a file; that of another function, other data or other settings
    does not count."""

    def __init__(self, folder: Path, name: str, seed: int, depends: Iterable[Any]) -> None:
        self._file = os.path.join(os.fspath(folder), "functions", f"{name}-{seed}.json")
        digest = hashlib.sha256()
        for each in (_beacon.ALGORITHM, *depends):
            part = each if isinstance(each, bytes) else repr(each).encode()
            digest.update(len(part).to_bytes(8, "little") + part)
        self._of = digest.hexdigest()

    def read(self) -> Optional[List[Pixel]]:
        """The order; ``None`` where there is none."""
        try:
            with open(self._file, encoding="utf-8") as file:
                kept = json.load(file)
            if kept["of"] == self._of:
                return [(int(row), int(column)) for row, column in kept["order"]]
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return None

    def write(self, order: List[Pixel]) -> None:
        """Keeps an order, whole or not at all."""
        folder = os.path.dirname(self._file)
        os.makedirs(folder, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"of": self._of, "order": order}, file)
            os.replace(temporary, self._file)
        except BaseException:
            os.unlink(temporary)
            raise
