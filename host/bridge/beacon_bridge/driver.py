"""What a driver is: the class that an instrument of one's own derives from.

    # mine.py
    from beacon_bridge.driver import Channels, Driver, Overview, Spectrum

    class Mine(Driver):
        def __init__(self, host="localhost"):
            self.column = vendor.connect(host)
            self.name, self.identity = "My STEM", self.column.serial_number
            self.channels = Channels(2048, offset=-0.2, scale=0.01)
            self.overview_dwell_seconds, self.overview_seconds = 2e-6, 2e-6 * 512 * 512

        def blank(self):
            self.column.blank()

        def unblank(self):
            self.column.unblank()

        def move(self, x, y):
            self.column.park_beam(x, y)

        def take_image(self):
            return Overview(self.column.scan(512, 2e-6), pixel_nm=(1.5, 1.5))

        def take_spectrum(self, dwell):
            counts = self.column.eds(live_time=dwell)
            return Spectrum(counts, live_seconds=dwell, real_seconds=self.column.real_time)

`python -m beacon_bridge --driver mine:Mine --set host=10.0.0.5` serves it. `Driver` itself unblanks and
blanks around `take_image` and `take_spectrum`, whatever they raise; a driver never does. It also ends
what takes far too long, and what somebody aborts.
"""

from __future__ import annotations

import abc
import contextlib
import importlib
import sys
import threading
import time
from dataclasses import dataclass
from typing import Iterator

import numpy as np


class InstrumentError(Exception):
    """The instrument failed, or gave what cannot be used."""


class DriverError(Exception):
    """What was named is no driver; the message says what would be one."""


@dataclass
class Channels:
    """The axis of a spectrum: channel i lies at `offset` + i × `scale`, in `units`.

    `None` is what the instrument does not tell; hosts refuse such an axis.
    """

    size: int
    """Channels of a spectrum; 1 for an instrument that answers with a number."""
    offset: float | None
    scale: float | None
    name: str = "Energy"
    """What the axis is of."""
    units: str = "keV"
    quantity: str = "X-rays"
    """What a value of the spectrum is of."""
    values: str = "counts"
    """The units of a value."""


@dataclass
class Overview:
    """An image: rows × columns, with the size of a pixel in nm as (height, width)."""

    values: np.ndarray
    pixel_nm: tuple[float, float] | None = None
    quantity: str = "HAADF"
    units: str = "counts"


@dataclass
class Spectrum:
    """Detectors × channels, or channels alone, with the times in seconds."""

    values: np.ndarray
    live_seconds: float
    """How long the detectors were ready to count."""
    real_seconds: float
    """How long the beam was on."""


class Driver(abc.ABC):
    """An instrument, blanked but while it exposes.

    A subclass sets the attributes without a value here, and defines `blank`, `unblank`, `move`,
    `take_image` and `take_spectrum`. Whatever it raises is told to the host; the beam is blanked first.
    """

    name: str
    """What it is, for people and records."""
    identity: str
    """Equal for the same instrument only, such as a serial number: a campaign goes on with no other."""
    channels: Channels
    """Constant as long as the bridge runs."""
    overview_seconds: float
    """How long the beam is on for an overview: decides whether a dose limit allows one."""
    overview_dwell_seconds: float | None = None
    """Dwell on each pixel of an overview."""
    beam_current_pa: float | None = None
    """Beam current in pA: without it dose is counted in seconds only."""
    patience: float = 30.0
    """How long an exposure may take beyond four times its nominal time, in seconds."""

    _aborted = False
    _sparing = threading.Lock()

    @abc.abstractmethod
    def blank(self) -> None:
        """Takes the beam off the sample; an exception when it stays on."""

    @abc.abstractmethod
    def unblank(self) -> None:
        """Lets the beam on the sample."""

    @abc.abstractmethod
    def move(self, x: float, y: float) -> None:
        """Moves the blanked beam to fractions of the frame of the overview.

        x runs to the right along a row, y downwards; the middle of the pixel at row r and column c of
        H × W is x = (c + ½) / W, y = (r + ½) / H.
        """

    @abc.abstractmethod
    def take_image(self) -> Overview:
        """Scans an overview; the beam is on already, and blanked afterwards."""

    @abc.abstractmethod
    def take_spectrum(self, dwell: float) -> Spectrum:
        """Acquires for `dwell` seconds of live time; the beam is on already, and blanked afterwards."""

    def blank_aside(self) -> None:
        """Blanks from another thread, while an exposure is under way.

        As `blank` unless a driver has a better way: most clients are for one thread at a time, so that
        another connection is needed.
        """
        self.blank()

    # The rest is the bridge's.

    def overview(self) -> Overview:
        """Unblanks, takes an image, blanks."""
        with self._exposed(self.overview_seconds):
            image = self.take_image()
        values = np.asarray(image.values)
        if values.ndim != 2 or values.size == 0:
            raise InstrumentError(f"the image is {values.shape}; expected rows and columns")
        return Overview(values, image.pixel_nm, image.quantity, image.units)

    def acquire(self, x: float, y: float, dwell: float) -> Spectrum:
        """Moves, unblanks, acquires for `dwell` seconds of live time and blanks."""
        self.move(x, y)
        with self._exposed(dwell):
            spectrum = self.take_spectrum(dwell)
        values = np.atleast_2d(np.asarray(spectrum.values))
        if values.ndim != 2 or values.shape[1] != self.channels.size:
            raise InstrumentError(
                f"the spectrum has {values.shape[-1]} channels; expected {self.channels.size} as "
                "at start: restart the bridge after changing the acquisition's settings"
            )
        return Spectrum(values, float(spectrum.live_seconds), float(spectrum.real_seconds))

    def abort(self) -> None:
        """Blanks from any thread and ends the exposure under way; nothing is exposed until `allow`."""
        # First: an exposure that unblanks after this looks again, and blanks by itself.
        self._aborted = True
        self._blank_aside()

    def allow(self) -> None:
        """Lets exposures begin again."""
        self._aborted = False

    @property
    def aborted(self) -> bool:
        """Whether nothing may be exposed."""
        return self._aborted

    @contextlib.contextmanager
    def _exposed(self, nominal: float) -> Iterator[None]:
        """Unblanks, and blanks whatever happens: also when the instrument never returns."""
        limit = 4 * nominal + self.patience
        overdue = threading.Timer(limit, self._blank_overdue, [limit])
        overdue.daemon = True
        self._stop_if_aborted()
        try:
            overdue.start()
            self.unblank()
            self._stop_if_aborted()
            yield
        finally:
            try:
                self.blank()
            finally:
                overdue.cancel()
        # What was acquired with the beam on for a part of the time is no spectrum.
        self._stop_if_aborted()

    def _stop_if_aborted(self) -> None:
        if self.aborted:
            raise InstrumentError("the exposure was aborted")

    def _blank_overdue(self, limit: float) -> None:
        try:
            self._blank_aside()
            said = "blanked the beam"
        except Exception as error:  # whatever it is, somebody has to be told
            said = f"COULD NOT BLANK THE BEAM ({error}); close the column valves"
        print(f"an exposure did not end within {limit:g} s: {said}", file=sys.stderr, flush=True)

    def _blank_aside(self) -> None:
        with self._sparing:
            self.blank_aside()


def load(place: str, settings: dict[str, str]) -> Driver:
    """The driver that `module:Class` names, made with the settings; `DriverError` where there is none.

    The module is looked for in the current folder too.
    """
    module, colon, name = place.partition(":")
    if not (module and colon and name):
        raise DriverError(f"{place!r} names no driver; expected module:Class, such as mine:Mine")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise DriverError(f"{place}: {error}; expected a module that Python finds from here") from None
    except AttributeError:
        raise DriverError(f"{place}: {module} has no {name}") from None
    if not (isinstance(found, type) and issubclass(found, Driver)):
        raise DriverError(f"{place} is no class derived from beacon_bridge.driver.Driver")
    if found.__abstractmethods__:
        missing = ", ".join(sorted(found.__abstractmethods__))
        raise DriverError(f"{place} does not define {missing}")
    try:
        driver = found(**settings)
    except TypeError as error:
        raise DriverError(f"{place} cannot be made: {error}") from None
    # Before anything else, as after a bridge that was killed.
    driver.blank()
    for attribute, kinds in (
        ("name", str), ("identity", str), ("channels", Channels), ("overview_seconds", (int, float)),
    ):
        if not isinstance(getattr(driver, attribute, None), kinds):
            found = getattr(driver, attribute, None)
            raise DriverError(f"{place}: `{attribute}` is {found!r}; the driver sets it when it is made")
    return driver
