"""`python -m beacon_bridge`: the program."""

from __future__ import annotations

import argparse
import math
import signal
import sys
from types import FrameType

from . import __version__, standin
from .answers import Answers, StateError
from .autoscript import AutoScript, Settings, connect
from .driver import Driver, DriverError, load
from .server import Server
from .service import Service

RUNNING, BAD_INPUT, INTERRUPTED = 1, 2, 130
"""Exit codes."""


class Stopped(BaseException):
    """Somebody stops the server: goes past everything that catches what an instrument raises."""


def main(arguments: list[str] | None = None) -> int:
    """Runs the server until it is stopped, and returns the exit code."""
    options = _parser().parse_args(arguments)
    _stop_on_signals()
    try:
        answers = Answers(options.state)
    except (StateError, OSError) as error:
        return _complain(error, BAD_INPUT)
    instrument = None
    try:
        instrument = _instrument(options)
        server = Server(Service(instrument, answers), options.bind, options.port)
        print(f"beacon_bridge {__version__}: {instrument.name} on {server.address}", flush=True)
        server.serve()
    except Stopped:
        return INTERRUPTED
    except (standin.StandinError, DriverError) as error:
        return _complain(error, BAD_INPUT)
    except Exception as error:
        # AutoScript's exceptions are its own: nothing narrower names them all.
        return _complain(error, RUNNING)
    finally:
        # Signals are ignored from the first one on, so that nothing interrupts this.
        if instrument is not None:
            _blank_at_the_end(instrument)
    return 0


def _blank_at_the_end(instrument: Driver) -> None:
    try:
        instrument.blank()
    except Exception as error:
        print(f"the beam could not be blanked: {error}", file=sys.stderr, flush=True)


def _instrument(options: argparse.Namespace) -> Driver:
    if options.driver is not None:
        return load(options.driver, dict(options.set))
    settings = Settings(
        image_detector=options.image_detector,
        image_size=options.image_size,
        image_dwell=options.image_dwell,
        eds_detector=options.eds_detector,
        detectors=options.detectors,
        dispersion=options.dispersion,
        offset=options.offset,
        beam_current=options.beam_current,
    )
    if options.standin is None:
        return connect(options.autoscript_host, options.autoscript_port, settings)
    data = standin.Data(options.standin)
    settings.dispersion, settings.detectors = data.dispersion, standin.DETECTORS
    settings.beam_current = settings.beam_current or data.current
    faults = standin.Faults(
        options.standin_delay,
        options.standin_fail_every,
        options.standin_beam_lost_at,
        options.standin_beam_lost_for,
    )
    client = standin.TemMicroscopeClient(data, standin.Log(options.exposure_log), faults)
    return AutoScript(client, client, standin.api, settings)


def _stop_on_signals() -> None:
    # SIGBREAK is how Windows asks a console program to end.
    names = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")
    signals = [getattr(signal, name) for name in names if hasattr(signal, name)]

    def stop(_number: int, _frame: FrameType | None) -> None:
        for one in signals:
            signal.signal(one, signal.SIG_IGN)
        raise Stopped

    for one in signals:
        signal.signal(one, stop)


def _complain(error: Exception, code: int) -> int:
    message = " ".join(str(error).split()) or type(error).__name__
    print(f"error: {message}", file=sys.stderr, flush=True)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="beacon_bridge", description=__doc__)
    add = parser.add_argument
    add("--bind", default="127.0.0.1", metavar="ADDRESS", help="where to listen (%(default)s)")
    add("--port", type=_port, default=9092, help="0 takes a free one (%(default)s)")
    add("--state", metavar="FILE", help="remember the last answers here through a restart")
    add("--driver", metavar="MODULE:CLASS",
        help="drive an instrument of your own: a class derived from beacon_bridge.driver.Driver")
    add("--set", type=_setting, action="append", default=[], metavar="NAME=VALUE",
        help="a text that the class is made with; may be given several times")
    add("--version", action="version", version=__version__)

    group = parser.add_argument_group("AutoScript")
    add = group.add_argument
    add("--autoscript-host", default="localhost", metavar="HOST", help="its server (%(default)s)")
    add("--autoscript-port", type=_port, metavar="PORT", help="its port, where it is not the usual")
    add("--image-detector", default=Settings.image_detector, metavar="NAME", help="(%(default)s)")
    add("--image-size", type=_count, default=Settings.image_size, metavar="PIXELS",
        help="pixels along each side of an overview (%(default)s)")
    add("--image-dwell", type=_positive, default=Settings.image_dwell, metavar="SECONDS",
        help="dwell on each of them (%(default)s)")
    add("--eds-detector", default=Settings.eds_detector, metavar="NAME", help="(%(default)s)")
    add("--detectors", type=_count, default=Settings.detectors, metavar="N",
        help="detectors that one spectrum holds one after the other (%(default)s)")
    add("--dispersion", type=_positive, default=Settings.dispersion, metavar="EV",
        help="width of a channel (%(default)s)")
    add("--offset", type=_finite, metavar="EV",
        help="energy of channel 0, where AutoScript does not tell")
    add("--beam-current", type=_positive, metavar="PA", help="where AutoScript does not tell")

    group = parser.add_argument_group("stand-in, for dry runs and tests")
    add = group.add_argument
    add("--standin", metavar="FILE.npz", help="measure this file instead of a sample")
    add("--exposure-log", metavar="FILE", help="append what the beam does")
    add("--standin-delay", type=_not_negative, default=0.0, metavar="SECONDS",
        help="how long a spectrum takes (%(default)s)")
    add("--standin-fail-every", type=_count, default=0, metavar="N",
        help="every n-th spectrum fails")
    add("--standin-beam-lost-at", type=_count, default=0, metavar="N",
        help="the beam is lost at the n-th spectrum")
    add("--standin-beam-lost-for", type=_not_negative, default=math.inf, metavar="SECONDS",
        help="and is back after this time")
    return parser


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name.isidentifier()):
        raise argparse.ArgumentTypeError(f"{text!r}; expected NAME=VALUE")
    return name, value


def _checked(convert: type, accept: object, accepted: str) -> object:
    def check(text: str) -> object:
        try:
            value = convert(text)
        except ValueError:
            value = None
        if value is None or not math.isfinite(value) or not accept(value):
            raise argparse.ArgumentTypeError(f"{text!r}; expected {accepted}")
        return value

    return check


_port = _checked(int, lambda value: 0 <= value <= 65535, "a port from 0 to 65535")
_count = _checked(int, lambda value: value > 0, "a whole number above 0")
_positive = _checked(float, lambda value: value > 0, "a number above 0")
_not_negative = _checked(float, lambda value: value >= 0, "a number from 0")
_finite = _checked(float, lambda value: True, "a number")


if __name__ == "__main__":
    sys.exit(main())
