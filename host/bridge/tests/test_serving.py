"""The server process on the stand-in, as a host meets it."""

from __future__ import annotations

import signal
import time

import numpy as np

from support import CHANNELS, HEIGHT, WIDTH, Served, arrays


def place(row: int, column: int) -> dict:
    """The middle of a pixel."""
    return {"x": (column + 0.5) / WIDTH, "y": (row + 0.5) / HEIGHT}


class Serving(Served):
    def test_hello_tells_instrument_and_calibration(self) -> None:
        self.start()
        answer = self.host(hello=False).ok("hello", protocol="beacon-bridge", versions=[7, 1])
        self.assertEqual(answer["version"], 1)
        # The file has eV: −200 and 10 a channel.
        found = [answer["channels"][name] for name in ("size", "offset", "scale", "units")]
        self.assertEqual(found, [CHANNELS, -0.2, 0.01, "keV"])
        self.assertEqual(answer["beam"], {"current_pa": 50.0, "overview_dwell_seconds": 1e-6})

    def test_an_overview_is_the_image_with_its_pixel_in_nm(self) -> None:
        self.start()
        answer = self.host().ok("overview")
        self.assertEqual((answer["height"], answer["width"]), (HEIGHT, WIDTH))
        self.assertEqual(answer["values"], arrays()["image"].ravel().tolist())
        self.assertAlmostEqual(answer["pixel"]["height"], 1.5)
        self.assertAlmostEqual(answer["pixel"]["width"], 2.5)
        self.assertEqual(
            self.events(), ["blank", "unblank", "begin overview", "end overview", "blank"]
        )

    def test_x_is_the_column_and_detectors_sum_to_the_data(self) -> None:
        self.start()
        answer = self.host().ok("acquire", key="a", dwell=0.25, **place(2, 4))
        values = np.array(answer["values"]).reshape(answer["detectors"], CHANNELS)
        np.testing.assert_array_equal(values.sum(axis=0), arrays()["spectra"][2, 4])
        self.assertEqual((answer["live_seconds"], answer["interrupted"]), (0.25, 0))
        self.assertEqual(
            self.events()[1:],
            ["unblank", "begin spectrum 2 4 0.25", "end spectrum 2 4 0.25", "blank"],
        )

    def test_a_known_key_is_answered_without_exposing(self) -> None:
        self.start()
        request = {"key": "a", "dwell": 0.25, **place(1, 1)}
        host = self.host()
        first = host.ok("acquire", **request)
        self.assertEqual(host.ok("acquire", **request), first)
        host.close()
        self.assertEqual(self.returning().ok("acquire", **request), first)
        self.assertEqual(self.events().count("begin spectrum 1 1 0.25"), 1)

    def test_any_bad_line_is_answered_and_the_next_one_served(self) -> None:
        self.start()
        host = self.host()
        nested = b'{"id":' + b"[" * 987 + b"]" * 987 + b',"call":"blank"}'
        for line in [
            b'{"id":NaN,"call":"blank"}',
            b'{"id":Infinity,"call":"blank"}',
            b'{"id":1e999,"call":"blank"}',
            b'{"id":{"a":1},"call":"blank"}',
            b'{"id":true,"call":"blank"}',
            b'{"id":' + b"9" * 4000 + b',"call":"blank"}',
            nested,
            nested.replace(b"blank", b"hello"),
            b'{"id":1,"call":"hello","protocol":' + b"[" * 900 + b"]" * 900 + b"}",
            b'{"id":2,"call":"move","x":1' + b"0" * 400 + b',"y":0}',
            b'{"id":3,"call":"acquire","key":"\\ud800","dwell":NaN,"x":0,"y":0}',
            b'{"id":4,"call":["blank"]}',
            b"[" * 60000,
            b"\xff\xfe\x00",
            b"",
            b"null",
            b"{}",
        ]:
            host.send(line)
            reply = host.receive()
            self.assertIn("error", reply, line[:60])
            self.assertEqual(host.ok("blank"), {}, line[:60])

    def test_a_second_host_is_told_that_the_instrument_is_taken(self) -> None:
        self.start()
        first = self.host()
        kind, _ = self.host(hello=False).error("hello", protocol="beacon-bridge", versions=[1])
        self.assertEqual(kind, "busy")
        first.close()
        self.returning().ok("blank")

    def test_a_key_is_not_taken_for_another_place(self) -> None:
        self.start()
        host = self.host()
        host.ok("acquire", key="a", dwell=0.25, **place(1, 1))
        kind, message = host.error("acquire", key="a", dwell=0.25, **place(1, 2))
        self.assertEqual(kind, "key")
        self.assertIn("'a'", message)

    def test_an_exception_blanks_and_the_next_attempt_tells_of_it(self) -> None:
        self.start("--standin-fail-every", "2")
        host = self.host()
        host.ok("acquire", key="a", dwell=0.25, **place(0, 0))
        kind, message = host.error("acquire", key="b", dwell=0.25, **place(0, 1))
        self.assertEqual(kind, "failed")
        self.assertIn("ApplicationServerException: acquisition 2 failed", message)
        self.assertEqual(self.events()[-2:], ["begin spectrum 0 1 0.25", "blank"])
        self.assertEqual(host.ok("acquire", key="b", dwell=0.25, **place(0, 1))["interrupted"], 1)

    def test_a_beam_that_is_lost_comes_back(self) -> None:
        self.start("--standin-beam-lost-at", "1", "--standin-beam-lost-for", "0.2")
        host = self.host()
        _, message = host.error("acquire", key="a", dwell=0.25, **place(0, 0))
        self.assertIn("the beam is lost", message)
        time.sleep(0.25)
        host.ok("acquire", key="a", dwell=0.25, **place(0, 0))

    def test_what_is_no_request_is_named_and_the_next_one_is_answered(self) -> None:
        self.start()
        host = self.host()
        for line, named in (
            (b"GET / HTTP/1.1", "not JSON"),
            (b"[1]", "not an object"),
            (b"{}", "no `call`"),
            (b'{"call":"dance"}', "accepted are hello, overview, move, acquire, blank, abort"),
            (b'{"call":"move","x":NaN,"y":0}', "`x` is nan"),
            (b'{"call":"move","x":true,"y":0}', "`x` is True"),
            (b'{"call":"acquire","key":"","x":0,"y":0,"dwell":1}', "`key` is ''"),
            (b'{"call":"acquire","key":"k","x":0,"y":0,"dwell":0}', "`dwell` is 0.0 s"),
            (b"[" * 60000, "not JSON"),
        ):
            host.send(line)
            error = host.receive()["error"]
            self.assertEqual(error["kind"], "request")
            self.assertIn(named, error["message"])
        self.assertEqual(host.error("move", x=1.5, y=0)[0], "outside")
        host.ok("move", x=1, y=0)
        self.assertEqual(self.events(), ["blank"])

    def test_a_line_without_end_is_cut_off(self) -> None:
        self.start()
        host = self.host()
        host.send(b"x" * 70000)
        self.assertIn("a line above 65536 bytes", host.receive()["error"]["message"])
        self.assertIsNone(host.receive())

    def test_other_protocols_and_versions_are_refused(self) -> None:
        self.start()
        host = self.host(hello=False)
        self.assertEqual(host.error("blank")[0], "request")
        self.assertEqual(host.error("hello", protocol="other", versions=[1])[0], "request")
        kind, message = host.error("hello", protocol="beacon-bridge", versions=[2])
        self.assertEqual(kind, "version")
        self.assertIn("[2]", message)


class Ending(Served):
    def exposing(self, *options: str) -> object:
        """A server in the middle of an exposure that takes long."""
        self.start("--standin-delay", "30", *options)
        host = self.host()
        host.ask("acquire", key="a", dwell=0.25, **place(1, 2))
        for _ in range(500):
            if self.events()[-1].startswith("begin spectrum"):
                return host
            time.sleep(0.01)
        self.fail("no exposure began")

    def test_stopping_the_server_in_an_exposure_blanks(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                self.exposing()
                self.assertEqual(self.kill(number), 130)
                self.assertEqual(self.events()[-2:], ["begin spectrum 1 2 0.25", "blank"])

    def test_an_abort_at_the_door_blanks_before_the_exposure_would_end(self) -> None:
        host = self.exposing()
        aside = self.host(hello=False)
        self.assertEqual(aside.ok("abort"), {})
        # It is answered with the beam off, and without waiting for the exposure, of 30 s.
        self.assertEqual(self.events()[-2:], ["begin spectrum 1 2 0.25", "blank"])
        error = host.receive()["error"]
        self.assertEqual(error["kind"], "aborted")
        self.assertNotIn("end spectrum 1 2 0.25", self.events())

    def test_a_host_that_was_aborted_exposes_nothing_until_it_comes_back(self) -> None:
        self.start()
        host = self.host()
        self.host(hello=False).ok("abort")
        before = self.events()
        for call in ("overview", "acquire"):
            content = {"key": "a", "dwell": 0.25, **place(1, 2)} if call == "acquire" else {}
            self.assertEqual(host.error(call, **content)[0], "aborted")
        self.assertEqual(self.events(), before)
        host.close()
        answer = self.returning().ok("acquire", key="a", dwell=0.25, **place(1, 2))
        # It was noted as begun before it was refused: the account errs towards more dose.
        self.assertEqual(answer["interrupted"], 1)

    def test_an_abort_with_nobody_served_needs_no_hello(self) -> None:
        self.start()
        host = self.host(hello=False)
        self.assertEqual(host.ok("abort"), {})
        self.assertEqual(host.error("blank")[0], "request")
        self.assertEqual(self.events()[-1], "blank")

    def test_a_host_that_leaves_in_an_exposure_leaves_a_blanked_beam(self) -> None:
        self.start("--standin-delay", "0.1")
        host = self.host()
        host.ask("acquire", key="a", dwell=0.25, **place(1, 2))
        host.close()
        self.assertEqual(self.settled()[-1], "blank")
        # And a host that comes back gets what was measured meanwhile, in one exposure.
        self.returning().ok("acquire", key="a", dwell=0.25, **place(1, 2))
        self.assertEqual(self.events().count("begin spectrum 1 2 0.25"), 1)

    def test_a_killed_server_answers_after_its_restart_what_it_had_measured(self) -> None:
        state = ("--state", str(self.folder / "state"))
        self.start(*state)
        request = {"key": "a", "dwell": 0.25, **place(1, 2)}
        first = self.host().ok("acquire", **request)
        self.kill()
        self.start(*state)
        self.assertEqual(self.host().ok("acquire", **request), first)
        self.assertEqual(self.events().count("begin spectrum 1 2 0.25"), 1)

    def test_a_server_killed_in_an_exposure_blanks_at_its_restart_and_tells_of_it(self) -> None:
        state = ("--state", str(self.folder / "state"))
        self.exposing(*state)
        self.kill()
        self.assertEqual(self.events()[-1], "begin spectrum 1 2 0.25")
        self.start(*state)
        self.assertEqual(self.events()[-1], "blank")
        answer = self.host().ok("acquire", key="a", dwell=0.25, **place(1, 2))
        self.assertEqual(answer["interrupted"], 1)
