"""Drives a microscope through Thermo Fisher's AutoScript for TEM: all that this package knows of
it is here.

AutoScript (`autoscript_tem_microscope_client`) is proprietary and was not at hand when this was
written. What follows is its call surface as published scripts of microscopists use it:

- `TemMicroscopeClient().connect(host, port)`; `service.autoscript.server.version`;
- `optics.optical_mode`, compared with `OpticalMode.STEM`;
- `optics.blanker.blank()`, `.unblank()`, `.is_beam_blanked`; before the blanker had an object of
  its own, `optics.blank()`, `optics.unblank()` and `optics.is_beam_blanked`;
- `optics.paused_scan_beam_position = [x, y]`, fractions of the frame, x along a row;
- `acquisition.acquire_stem_image(detector, size, dwell)`, `.data` and, in metres,
  `.metadata.binary_result.pixel_size`;
- `analysis.eds.acquire_spectrum(EdsAcquisitionSettings)` with `eds_detector`, `dispersion`
  (eV), `shaping_time`, `exposure_time` (s) and `exposure_time_type`; earlier releases call it
  `analysis.acquire_eds_spectrum`. A Super-X spectrum is one array, the four detectors one after
  the other, whose bytes have to be taken as little-endian 32-bit counts in some releases.

Uncertain, and therefore read where present and never relied upon:

- the metadata of a spectrum: taken to be `metadata.analytical_detectors`, a list with
  `dispersion` and `offset_energy` (eV), `live_time` and `real_time` (s) each, as Velox files have
  them. A dispersion that differs from the one asked for is an error, because its units would be
  other ones. Where the offset is absent, `--offset` gives it, or hosts are told that there is
  none;
- the beam current: taken to be `metadata.optics.last_measured_screen_current` (A) of an image;
  `--beam-current` overrules it. Measuring it anew would expose the sample;
- that a spectrum acquired with the beam blanked is empty and ends by itself: one such spectrum
  tells, at start and without dose, how many channels there are;
- that the client may be used by one thread at a time only: a second connection blanks the beam
  when an exposure is overdue or aborted;
- whether an acquisition whose beam is blanked ends before its time: no published script ends one.
  Where it does not, it goes on blanked, and its spectrum is not used;
- a serial number of the instrument. Where there is none, the computer that AutoScript's server
  runs on tells one from another.

The first dry run with a real instrument is what settles these: see `host/docs/autoscript.md`.
"""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from .driver import Channels, Driver, InstrumentError, Overview, Spectrum


@dataclass
class Settings:
    """How images and spectra are acquired."""

    image_detector: str = "HAADF"
    image_size: int = 512
    """Pixels along each side of an overview image."""
    image_dwell: float = 1e-6
    """Dwell on each pixel of an overview image, in seconds."""
    eds_detector: str = "SUPER_X"
    detectors: int = 4
    """Detectors whose spectra come one after the other in one array."""
    dispersion: float | None = 5.0
    """Width of a channel that is asked for, in eV."""
    offset: float | None = None
    """Energy of the first channel in eV, where the metadata of a spectrum do not tell."""
    shaping_time: float = 3e-6
    """Shaping time of the pulse processor, in seconds."""
    beam_current: float | None = None
    """Beam current in pA, where the operator knows better than the metadata of an image."""
    patience: float = 30.0
    """How long an exposure may take beyond four times its nominal time, in seconds."""


class AutoScript(Driver):
    """A column behind AutoScript, blanked but while it exposes.

    `client` is connected; `spare`, another connection to the same microscope, blanks when
    `client` does not come back from an exposure, or is not to; `api` holds the enumerations and structures.
    """

    def __init__(self, client: Any, spare: Any, api: Any, settings: Settings) -> None:
        self._client = client
        self._spare = spare
        self._api = api
        self._settings = settings
        self.patience = settings.patience
        self.beam_current_pa = settings.beam_current
        self.blank()
        mode = client.optics.optical_mode
        if mode != api.OpticalMode.STEM:
            raise InstrumentError(f"the optical mode is {mode}; switch to {api.OpticalMode.STEM}")
        self.name, self.identity = _identity(client)
        self.channels = self._calibrate()

    @property
    def overview_dwell_seconds(self) -> float:
        """Dwell on each pixel of an overview, in seconds."""
        return self._settings.image_dwell

    @property
    def overview_seconds(self) -> float:
        """How long the beam is on for an overview, in seconds."""
        return self._settings.image_dwell * self._settings.image_size**2

    def blank(self) -> None:
        """Blanks the beam; an error when it stays on."""
        _blank(self._client)

    def blank_aside(self) -> None:
        """Blanks over the spare connection: a client is for one thread at a time."""
        _blank(self._spare)

    def unblank(self) -> None:
        """Lets the beam on the sample."""
        _blanker(self._client).unblank()

    def move(self, x: float, y: float) -> None:
        """Moves the blanked beam to fractions of the frame, x along a row."""
        self._client.optics.paused_scan_beam_position = [x, y]

    def take_image(self) -> Overview:
        """Takes an image, and notes the current that it tells."""
        settings = self._settings
        detector = getattr(self._api.DetectorType, settings.image_detector)
        image = self._client.acquisition.acquire_stem_image(
            detector, settings.image_size, settings.image_dwell
        )
        current = _path(image, "metadata.optics.last_measured_screen_current")
        if settings.beam_current is None and current:
            # Picoamperes to a millionth: the conversion must not show.
            self.beam_current_pa = round(float(current) * 1e12, 6)
        pixel = _path(image, "metadata.binary_result.pixel_size")
        size = None if pixel is None else (float(pixel.y) * 1e9, float(pixel.x) * 1e9)
        return Overview(np.asarray(image.data), size)

    def take_spectrum(self, dwell: float) -> Spectrum:
        """Acquires for `dwell` seconds of live time."""
        began = time.monotonic()
        spectrum = self._acquire(dwell)
        elapsed = time.monotonic() - began
        live, real = _mean(spectrum, "live_time"), _mean(spectrum, "real_time")
        return Spectrum(
            self._detectors(spectrum),
            dwell if live is None else live,
            elapsed if real is None else real,
        )

    def _calibrate(self) -> Channels:
        settings = self._settings
        spectrum = self._acquire(0.1)
        size = self._detectors(spectrum).shape[1]
        found, asked = _mean(spectrum, "dispersion"), settings.dispersion
        if found and asked and abs(found - asked) > 0.01 * asked:
            raise InstrumentError(
                f"the spectrum's metadata tell a dispersion of {found}; expected {asked} eV as "
                "asked for: these metadata have other units"
            )
        dispersion = found or asked
        offset = _mean(spectrum, "offset_energy")
        offset = settings.offset if offset is None else offset
        return Channels(
            size,
            None if offset is None else offset / 1000,
            None if dispersion is None else dispersion / 1000,
        )

    def _acquire(self, dwell: float) -> Any:
        api, settings = self._api, self._settings
        asked = api.EdsAcquisitionSettings()
        asked.eds_detector = getattr(api.EdsDetectorType, settings.eds_detector)
        asked.dispersion = None if settings.dispersion is None else round(settings.dispersion)
        asked.shaping_time = settings.shaping_time
        asked.exposure_time = dwell
        asked.exposure_time_type = api.ExposureTimeType.LIVE_TIME
        analysis = self._client.analysis
        if hasattr(analysis, "eds"):
            return analysis.eds.acquire_spectrum(asked)
        return analysis.acquire_eds_spectrum(asked)

    def _detectors(self, spectrum: Any) -> np.ndarray:
        """Detectors × channels."""
        values = np.asarray(spectrum.data).ravel()
        raw = getattr(spectrum, "_raw_data", None)
        if isinstance(raw, bytes) and len(raw) == 4 * values.size:
            values = np.frombuffer(raw, dtype="<u4")
        count = self._settings.detectors
        if values.size == 0 or values.size % count:
            raise InstrumentError(
                f"the spectrum has {values.size} values; expected those of {count} detectors, "
                "equally many each (see --detectors)"
            )
        return values.reshape(count, -1)


def connect(host: str, port: int | None, settings: Settings) -> AutoScript:
    """Connects to AutoScript's server; `InstrumentError` when it is not installed or not there."""
    try:
        import autoscript_tem_microscope_client as autoscript
        from autoscript_tem_microscope_client import enumerations, structures
    except ImportError as error:
        raise InstrumentError(
            f"AutoScript is not installed for this Python ({error}); run the bridge with the "
            "interpreter that came with it, or try --standin FILE.npz"
        ) from None
    clients = [autoscript.TemMicroscopeClient() for _ in range(2)]
    for client in clients:
        client.connect(*([host] if port is None else [host, port]))
    return AutoScript(*clients, _Api(enumerations, structures), settings)


class _Api:
    """Enumerations and structures under one roof."""

    def __init__(self, *modules: Any) -> None:
        self._modules = modules

    def __getattr__(self, name: str) -> Any:
        for module in self._modules:
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(f"this release of AutoScript has no {name}")


def _blanker(client: Any) -> Any:
    return getattr(client.optics, "blanker", client.optics)


def _blank(client: Any) -> None:
    blanker = _blanker(client)
    blanker.blank()
    if getattr(blanker, "is_beam_blanked", True) is False:
        raise InstrumentError("the beam stays on although it was blanked; close the column valves")


def _identity(client: Any) -> tuple[str, str]:
    """What the instrument is, and what tells it from another one."""
    version = _path(client, "service.autoscript.server.version")
    serial = _path(client, "service.system.serial_number")
    name = _path(client, "service.system.name") or "microscope"
    software = "AutoScript" if version is None else f"AutoScript {version}"
    computer = _path(client, "server_host")
    if computer in (None, "localhost", "127.0.0.1"):
        # Every instrument's bridge would say so of its own.
        computer = platform.node()
    return f"{name}, {software}", str(serial or computer or name)


def _mean(spectrum: Any, name: str) -> float | None:
    """Mean over the detectors of what their metadata tell, where they do."""
    detectors = _path(spectrum, "metadata.analytical_detectors") or []
    values = [getattr(detector, name, None) for detector in detectors]
    values = [float(value) for value in values if value is not None]
    return sum(values) / len(values) if values else None


def _path(thing: Any, path: str) -> Any:
    """An attribute of attributes; `None` where a release of AutoScript has no such thing."""
    for name in path.split("."):
        thing = getattr(thing, name, None)
        if thing is None:
            return None
    return thing
