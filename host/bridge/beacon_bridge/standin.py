"""Takes the place of AutoScript's client, with the same call surface, and measures what a file
holds.

This is no AutoScript and contains nothing of it: AutoScript is proprietary. It has the attributes
and calls that `autoscript` uses, under the names that published scripts use, so that everything
but the instrument itself can be tested. A column of its own it has only so far: the beam is on
until somebody blanks it, a blanked beam acquires nothing, a spectrum whose beam is blanked
meanwhile ends in an exception, and what the beam does is logged.

The file is an `.npz` with

- `image`: rows × columns;
- `spectra`: rows × columns × channels, each the sum over the detectors. Three detectors get a
  quarter of a value without its fraction and the last one the rest, so that the sum over the
  detectors in their order is the value exactly;
- `dispersion`, `offset`: of the channels, in eV; without them the instrument is uncalibrated;
- `pixel_size`: in nm, one number or (height, width); without it the image is uncalibrated;
- `current`: of the beam, in pA; optional.

A line of the exposure log is `unblank`, `blank`, `begin spectrum ROW COLUMN SECONDS`,
`end spectrum ROW COLUMN SECONDS`, `begin overview` or `end overview`, and is on disk before
anything else happens: whatever kills the process, an exposure that was begun is in it.
"""

from __future__ import annotations

import os
import time
import zlib
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

DETECTORS = 4
"""Detectors that the spectra are split over."""

_SLICE = 0.02
"""How often a spectrum that takes its time looks at the beam, in seconds."""


class StandinError(Exception):
    """The file cannot be measured from; the message says why."""


class ApplicationServerException(Exception):
    """Named as the exception that AutoScript's server raises."""


@dataclass
class Faults:
    """What goes wrong, for tests; counted over the spectra acquired with the beam on."""

    delay: float = 0.0
    """Seconds that each spectrum takes; its dwell is told, not waited for."""
    fail_every: int = 0
    """Every n-th spectrum ends in an exception with the beam on; 0 for none."""
    beam_lost_at: int = 0
    """From the n-th spectrum on there is no beam; 0 for never."""
    beam_lost_for: float = float("inf")
    """After how many seconds the beam is back."""


class Data:
    """What a file holds, checked."""

    def __init__(self, path: str) -> None:
        try:
            with np.load(path, allow_pickle=False) as file:
                held = {name: file[name] for name in file.files}
        except (OSError, ValueError) as error:
            raise StandinError(f"{path}: cannot be read: {error}") from None
        for name, rank in (("image", 2), ("spectra", 3)):
            if name not in held or held[name].ndim != rank:
                found = f"is {held[name].shape}" if name in held else "is missing"
                raise StandinError(
                    f"{path}: `{name}` {found}; expected image (rows, columns) and spectra "
                    "(rows, columns, channels)"
                )
            if held[name].dtype.kind not in "iuf":
                raise StandinError(f"{path}: `{name}` is {held[name].dtype}; expected numbers")
        self.image, self.spectra = held["image"], held["spectra"]
        if self.image.shape != self.spectra.shape[:2]:
            raise StandinError(
                f"{path}: image {self.image.shape} and spectra {self.spectra.shape} differ; "
                "expected the same rows and columns"
            )
        self.dispersion = _scalar(held, "dispersion")
        self.offset = _scalar(held, "offset")
        self.current = _scalar(held, "current")
        self.pixel_size = None
        if "pixel_size" in held:
            self.pixel_size = np.broadcast_to(held["pixel_size"].astype(float), 2)
        # Two servers of the same data are the same instrument.
        sum_ = 0
        for name in sorted(held):
            sum_ = zlib.crc32(np.ascontiguousarray(held[name]).tobytes(), sum_)
        self.identity = f"{sum_:08x}"


def _scalar(held: dict, name: str) -> float | None:
    return float(held[name]) if name in held else None


class Log:
    """One line an event, on disk before anything else happens."""

    def __init__(self, path: str | None) -> None:
        self._handle = None
        if path is not None:
            self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, event: str) -> None:
        """Appends an event."""
        if self._handle is not None:
            os.write(self._handle, event.encode() + b"\n")
            os.fsync(self._handle)


class TemMicroscopeClient:
    """The root of AutoScript's call surface, as far as the bridge uses it."""

    def __init__(self, data: Data, log: Log, faults: Faults) -> None:
        self.optics = _Optics(log)
        self.acquisition = _Acquisition(data, log, self.optics)
        self.analysis = SimpleNamespace(eds=_Eds(data, log, faults, self.optics))
        self.service = SimpleNamespace(
            autoscript=SimpleNamespace(server=SimpleNamespace(version="stand-in")),
            system=SimpleNamespace(name="Stand-in", serial_number=data.identity),
        )


class _Blanker:
    def __init__(self, log: Log) -> None:
        self._log = log
        # The worst that a server may find when it starts.
        self.is_beam_blanked = False

    def blank(self) -> None:
        if not self.is_beam_blanked:
            self.is_beam_blanked = True
            self._log.write("blank")

    def unblank(self) -> None:
        if self.is_beam_blanked:
            # Logged first: a kill in between leaves a log that says too much, not too little.
            self._log.write("unblank")
            self.is_beam_blanked = False


class _Optics:
    def __init__(self, log: Log) -> None:
        self.blanker = _Blanker(log)
        self.optical_mode = api.OpticalMode.STEM
        self._position = (0.5, 0.5)

    @property
    def paused_scan_beam_position(self) -> tuple[float, float]:
        return self._position

    @paused_scan_beam_position.setter
    def paused_scan_beam_position(self, position: list[float]) -> None:
        x, y = position
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise ApplicationServerException(f"beam position {position} is out of range")
        self._position = (x, y)


class _Acquisition:
    def __init__(self, data: Data, log: Log, optics: _Optics) -> None:
        self._data, self._log, self._optics = data, log, optics

    def acquire_stem_image(self, detector: str, size: int, dwell_time: float) -> SimpleNamespace:
        data = self._data
        if self._optics.blanker.is_beam_blanked:
            return SimpleNamespace(data=np.zeros_like(data.image), metadata=None)
        self._log.write("begin overview")
        pixel = None
        if data.pixel_size is not None:
            height, width = data.pixel_size * 1e-9
            pixel = SimpleNamespace(x=width, y=height)
        current = None if data.current is None else data.current * 1e-12
        self._log.write("end overview")
        return SimpleNamespace(
            data=data.image,
            metadata=SimpleNamespace(
                binary_result=SimpleNamespace(pixel_size=pixel),
                optics=SimpleNamespace(last_measured_screen_current=current),
            ),
        )


class _Eds:
    def __init__(self, data: Data, log: Log, faults: Faults, optics: _Optics) -> None:
        self._data, self._log, self._faults, self._optics = data, log, faults, optics
        self._begun = 0
        self._lost_since: float | None = None

    def acquire_spectrum(self, settings: SimpleNamespace) -> SimpleNamespace:
        spectra, dwell = self._data.spectra, settings.exposure_time
        if self._optics.blanker.is_beam_blanked:
            return self._spectrum(np.zeros_like(spectra[0, 0]), dwell)
        height, width = spectra.shape[:2]
        x, y = self._optics.paused_scan_beam_position
        row, column = min(int(y * height), height - 1), min(int(x * width), width - 1)
        self._begun += 1
        self._fail_without_beam()
        self._log.write(f"begin spectrum {row} {column} {dwell}")
        self._wait()
        if self._faults.fail_every and self._begun % self._faults.fail_every == 0:
            raise ApplicationServerException(f"acquisition {self._begun} failed, as told to")
        self._log.write(f"end spectrum {row} {column} {dwell}")
        return self._spectrum(spectra[row, column], dwell)

    def _wait(self) -> None:
        """Takes the time of a spectrum, as long as the beam is on."""
        until = time.monotonic() + self._faults.delay
        while (left := until - time.monotonic()) > 0:
            if self._optics.blanker.is_beam_blanked:
                raise ApplicationServerException(f"acquisition {self._begun} lost its beam")
            time.sleep(min(left, _SLICE))

    def _fail_without_beam(self) -> None:
        faults = self._faults
        if not faults.beam_lost_at or self._begun < faults.beam_lost_at:
            return
        now = time.monotonic()
        if self._lost_since is None:
            self._lost_since = now
        if now - self._lost_since < faults.beam_lost_for:
            raise ApplicationServerException("the beam is lost")

    def _spectrum(self, total: np.ndarray, dwell: float) -> SimpleNamespace:
        quarter = np.trunc(total / DETECTORS).astype(total.dtype)
        parts = [quarter] * (DETECTORS - 1) + [total - (DETECTORS - 1) * quarter]
        detector = SimpleNamespace(
            dispersion=self._data.dispersion,
            offset_energy=self._data.offset,
            live_time=dwell,
            real_time=dwell,
        )
        return SimpleNamespace(
            data=np.concatenate(parts),
            metadata=SimpleNamespace(analytical_detectors=[detector] * DETECTORS),
        )


api = SimpleNamespace(
    DetectorType=SimpleNamespace(HAADF="HAADF"),
    EdsDetectorType=SimpleNamespace(SUPER_X="SuperX"),
    ExposureTimeType=SimpleNamespace(LIVE_TIME="LiveTime"),
    OpticalMode=SimpleNamespace(STEM="Stem"),
    EdsAcquisitionSettings=SimpleNamespace,
)
"""Enumerations and structures, named as AutoScript's."""
