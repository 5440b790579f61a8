"""Arrays on their way to the library and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, List, Optional, Sequence, Tuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Pixel = Tuple[int, int]


def given(values: "ArrayLike", what: str = "array") -> Tuple[bytes, List[int]]:
    """The bytes and the shape of an array of numbers; a masked one has NaN where it is masked."""
    if hasattr(values, "dtype") and np.iscomplexobj(values):
        raise ValueError(f"the {what} is complex; expected real numbers, as of numpy.abs")
    try:
        if isinstance(values, np.ma.MaskedArray):
            values = unmasked(values)
        array = np.ascontiguousarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the {what} is no array of numbers: {error}") from error
    return array.tobytes(), list(np.shape(values))


def unmasked(values: Any) -> Any:
    """A masked array with NaN where it is masked: beneath a mask lies a number that nobody means."""
    return values.astype(float).filled(np.nan)


def taken(numbers: bytes, shape: Optional[Sequence[int]] = None) -> "NDArray[np.float64]":
    """The array of what :func:`given` gave, which may be written to."""
    array = np.frombuffer(bytearray(numbers), dtype=float)
    return array if shape is None else array.reshape(shape)


def pixel(point: Any) -> Pixel:
    """A point as row and column."""
    try:
        row, column = point
        if int(row) == row and int(column) == column:
            return int(row), int(column)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"a point is {point!r}; expected a row and a column, as in (12, 9)")


def pixels(points: Iterable[Any]) -> List[Pixel]:
    """Points as rows and columns."""
    return [pixel(point) for point in points]


def numbered(numbers: "NDArray[np.int64]", shape: Sequence[int], window: int, edges: str) -> List[Pixel]:
    """The pixels of candidate numbers, which count row by row."""
    border = window // 2 if edges == "inside" else 0
    width = shape[1] - window + 1 if edges == "inside" else shape[1]
    rows, columns = np.divmod(numbers, max(width, 1))
    return [(int(row) + border, int(column) + border) for row, column in zip(rows, columns)]


def order(points: Any, shape: Sequence[int], window: int, edges: str) -> List[Pixel]:
    """An order as rows and columns: of pairs, or of candidate numbers."""
    array = np.asarray(points)
    if array.ndim == 1 and array.size and np.issubdtype(array.dtype, np.integer):
        return numbered(array.astype(np.int64), shape, window, edges)
    return pixels(points)
