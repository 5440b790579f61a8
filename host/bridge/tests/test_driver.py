"""A driver of one's own, served as a user serves it."""

from __future__ import annotations

import textwrap
import unittest

from support import Folder, Served

from beacon_bridge.driver import DriverError, load

MINE = '''
    import numpy as np
    from beacon_bridge.driver import Channels, Driver, Overview, Spectrum


    class Mine(Driver):
        def __init__(self, log, bad=""):
            self._log, self._bad, self._on = log, bad, False
            self.name, self.identity = "Mine", "7"
            self.channels = Channels(3, offset=-1.0, scale=0.5, name="Loss", units="eV", quantity="EELS")
            self.overview_seconds, self.beam_current_pa = 0.25, 20.0

        def _say(self, what):
            with open(self._log, "a", encoding="utf-8") as file:
                file.write(what + "\\n")

        def blank(self):
            self._say("blank")
            self._on = False

        def unblank(self):
            self._say("unblank")
            self._on = True

        def move(self, x, y):
            self._say(f"move {x} {y}")

        def take_image(self):
            return Overview(np.arange(6.0).reshape(2, 3) + self._on, (1.0, 2.0), "current", "pA")

        def take_spectrum(self, dwell):
            if self._bad == "raise":
                raise RuntimeError("the shutter is stuck")
            if self._bad == "short":
                return Spectrum([1, 2], dwell, dwell)
            return Spectrum([1, 2, 3], dwell, 2 * dwell)


    class Half(Driver):
        def blank(self):
            pass


    class Nameless(Mine):
        def __init__(self):
            self._log, self._on = "/dev/null", False
            self.identity = "7"


    stranger = object
'''


class Own(Served):
    """What `--driver` names is served like AutoScript."""

    def setUp(self) -> None:
        super().setUp()
        (self.folder / "mine.py").write_text(textwrap.dedent(MINE), encoding="utf-8")

    def serve(self, *settings: str) -> None:
        words = [word for setting in settings for word in ("--set", setting)]
        self.run_bridge(["--driver", "mine:Mine", "--set", f"log={self.log}", *words], self.folder)

    def test_it_is_described_and_measures_with_the_beam_on(self) -> None:
        self.serve()
        self.assertEqual(self.events(), ["blank"])
        host = self.host(hello=False)
        told = host.ok("hello", protocol="beacon-bridge", versions=[1])
        self.assertEqual(told["instrument"], {"name": "Mine", "identity": "7"})
        channels = {"size": 3, "offset": -1.0, "scale": 0.5, "name": "Loss", "units": "eV"}
        self.assertEqual(told["channels"], {**channels, "quantity": "EELS", "values": "counts"})
        self.assertEqual(told["beam"], {"current_pa": 20.0, "overview_dwell_seconds": None})
        image = host.ok("overview")
        self.assertEqual((image["values"], image["units"]), ([1, 2, 3, 4, 5, 6], "pA"))
        point = host.ok("acquire", key="a", x=0.25, y=0.5, dwell=0.1)
        self.assertEqual((point["values"], point["detectors"]), ([1, 2, 3], 1))
        self.assertEqual((point["live_seconds"], point["real_seconds"]), (0.1, 0.2))
        exposed = ["unblank", "blank", "move 0.25 0.5", "unblank", "blank"]
        self.assertEqual(self.events(), ["blank", *exposed])

    def test_whatever_it_raises_or_gives_is_told_and_the_beam_is_off(self) -> None:
        for bad, said in (("raise", "the shutter is stuck"), ("short", "2 channels; expected 3")):
            self.serve(f"bad={bad}")
            host = self.host()
            kind, message = host.error("acquire", key="a", x=0.5, y=0.5, dwell=0.1)
            self.assertEqual(kind, "failed")
            self.assertIn(said, message)
            self.assertEqual(self.settled()[-1], "blank")
            # And goes on.
            host.ok("overview")
            self.kill()


class Named(Folder):
    """What is no driver is refused in words."""

    def test_mistakes_say_what_a_driver_is(self) -> None:
        import sys

        (self.folder / "mine.py").write_text(textwrap.dedent(MINE), encoding="utf-8")
        sys.path.insert(0, str(self.folder))
        self.addCleanup(sys.path.remove, str(self.folder))
        log = {"log": str(self.folder / "log")}
        for place, settings, said in (
            ("mine", {}, "expected module:Class"),
            ("absent:Mine", {}, "a module that Python finds"),
            ("mine:Other", {}, "mine has no Other"),
            ("mine:stranger", {}, "no class derived from"),
            ("mine:Half", {}, "does not define move, take_image, take_spectrum, unblank"),
            ("mine:Mine", {}, "cannot be made"),
            ("mine:Mine", {**log, "colour": "red"}, "colour"),
            ("mine:Nameless", {}, "`name` is None"),
        ):
            with self.subTest(place), self.assertRaisesRegex(DriverError, said):
                load(place, settings)


if __name__ == "__main__":
    unittest.main()
