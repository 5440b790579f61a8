"""What each call does."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from .answers import Answers
from .driver import Driver
from .protocol import PROTOCOL, VERSIONS, Refusal, number, text

LONGEST_DWELL = 3600.0
"""Longest dwell in seconds: more is a mistake in the units."""


class Service:
    """Carries out requests on an instrument; the beam is blanked before any of them returns."""

    def __init__(self, instrument: Driver, answers: Answers) -> None:
        self._instrument = instrument
        self._answers = answers
        self._calls = {
            "hello": self._hello,
            "overview": self._overview,
            "move": self._move,
            "acquire": self._acquire,
            "blank": self._blank,
            "abort": self._abort,
        }

    def carry_out(self, request: dict) -> dict:
        """The answer to a request; `Refusal` when there is none."""
        call = self._calls.get(request["call"])
        if call is None:
            known = ", ".join(self._calls)
            raise Refusal("request", f"unknown call {request['call']!r}; accepted are {known}")
        try:
            return call(request)
        except Refusal:
            raise
        except Exception as error:
            # An instrument's exceptions are its own; whichever it is, the beam goes off.
            self.leave()
            if self._instrument.aborted:
                told = "somebody had it aborted and the beam is blanked; connect anew to go on"
                raise Refusal("aborted", told) from error
            raise Refusal("failed", f"{type(error).__name__}: {error}") from error

    def admit(self) -> None:
        """A host comes: what was aborted for the one before it does not bind it."""
        self._instrument.allow()

    def abort(self) -> None:
        """Blanks at once and ends the exposure under way, from any thread."""
        self._instrument.abort()

    def leave(self) -> None:
        """Blanks because nobody is there, or something failed.

        An exception when even that fails. It is meant to end the server: one that is started
        anew connects anew, and blanks before anything else.
        """
        self._instrument.blank()

    def _hello(self, request: dict) -> dict:
        if request.get("protocol") != PROTOCOL:
            found = request.get("protocol")
            raise Refusal("request", f"`protocol` is {found!r}; expected {PROTOCOL!r}")
        offered = request.get("versions")
        common = [v for v in VERSIONS if isinstance(offered, list) and v in offered]
        if not common:
            raise Refusal("version", f"versions {offered} are offered; expected one of {VERSIONS}")
        instrument = self._instrument
        return {
            "protocol": PROTOCOL,
            "version": common[-1],
            "instrument": {"name": instrument.name, "identity": instrument.identity},
            "channels": {
                "size": instrument.channels.size,
                "offset": instrument.channels.offset,
                "scale": instrument.channels.scale,
                "name": instrument.channels.name,
                "units": instrument.channels.units,
                "quantity": instrument.channels.quantity,
                "values": instrument.channels.values,
            },
            "overview_seconds": instrument.overview_seconds,
            "beam": self._beam(),
        }

    def _beam(self) -> dict:
        instrument = self._instrument
        return {
            "current_pa": instrument.beam_current_pa,
            "overview_dwell_seconds": instrument.overview_dwell_seconds,
        }

    def _overview(self, _request: dict) -> dict:
        image = self._instrument.overview()
        height, width = image.values.shape
        pixel = None
        if image.pixel_nm is not None:
            pixel = {"height": image.pixel_nm[0], "width": image.pixel_nm[1], "units": "nm"}
        return {
            "height": height,
            "width": width,
            "values": _finite(image.values, "image"),
            "pixel": pixel,
            "quantity": image.quantity,
            "units": image.units,
            "beam": self._beam(),
        }

    def _move(self, request: dict) -> dict:
        x, y = _place(request)
        self._instrument.move(x, y)
        return {"x": x, "y": y}

    def _acquire(self, request: dict) -> dict:
        key = text(request, "key")
        x, y = _place(request)
        dwell = number(request, "dwell")
        if not 0 < dwell <= LONGEST_DWELL:
            raise Refusal("request", f"`dwell` is {dwell} s; expected up to {LONGEST_DWELL:g} s")
        asked = {"x": x, "y": y, "dwell": dwell}
        known = self._answers.recall(key, asked)
        if known is not None:
            return known
        interrupted = self._answers.begin(key, asked)
        spectrum = self._instrument.acquire(x, y, dwell)
        answer = {
            "key": key,
            "detectors": spectrum.values.shape[0],
            "values": _finite(spectrum.values, "spectrum"),
            "live_seconds": spectrum.live_seconds,
            "real_seconds": spectrum.real_seconds,
            "interrupted": interrupted,
        }
        try:
            self._answers.complete(key, answer)
        except OSError as error:
            # The spectrum is worth more than its copy: the host has a journal of its own.
            print(f"the state could not be written: {error}", file=sys.stderr, flush=True)
        return answer

    def _blank(self, _request: dict) -> dict:
        self._instrument.blank()
        return {}

    def _abort(self, _request: dict) -> dict:
        self.abort()
        return {}


def _place(request: dict) -> tuple[float, float]:
    x, y = number(request, "x"), number(request, "y")
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise Refusal("outside", f"x = {x}, y = {y} lies outside the frame; expected 0 to 1")
    return x, y


def _finite(values: np.ndarray, what: str) -> list[Any]:
    """The values in order, whole numbers as such."""
    if not np.all(np.isfinite(values)):
        place = int(np.flatnonzero(~np.isfinite(values.ravel()))[0])
        raise ValueError(f"value {place} of the {what} is no finite number")
    if values.dtype.kind == "f" and np.array_equal(values, np.trunc(values)):
        if values.size == 0 or float(np.max(np.abs(values))) < math.ldexp(1, 53):
            values = values.astype(np.int64)
    return values.ravel().tolist()
