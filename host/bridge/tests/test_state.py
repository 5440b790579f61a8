"""Answers on disk, and what is wrong with the files that a server is started on."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal

import numpy as np

from support import Folder

from beacon_bridge import standin
from beacon_bridge.__main__ import main
from beacon_bridge.answers import KEPT, Answers, StateError
from beacon_bridge.protocol import Refusal

ASKED = {"x": 0.5, "y": 0.5, "dwell": 1.0}


class State(Folder):
    def path(self) -> str:
        return str(self.folder / "state")

    def test_answers_outlive_the_process(self) -> None:
        answers = Answers(self.path())
        self.assertEqual(answers.begin("a", ASKED), 0)
        answers.complete("a", {"values": [1.5]})
        self.assertEqual(Answers(self.path()).recall("a", ASKED), {"values": [1.5]})
        with self.assertRaises(Refusal):
            Answers(self.path()).recall("a", {**ASKED, "dwell": 2.0})

    def test_exposures_that_never_completed_are_counted(self) -> None:
        for interrupted in range(3):
            answers = Answers(self.path())
            self.assertIsNone(answers.recall("a", ASKED))
            self.assertEqual(answers.begin("a", ASKED), interrupted)

    def test_only_the_last_answers_are_kept(self) -> None:
        answers = Answers(self.path())
        for number in range(KEPT + 1):
            answers.begin(str(number), ASKED)
            answers.complete(str(number), {})
        self.assertIsNone(answers.recall("0", ASKED))
        self.assertEqual(answers.recall("1", ASKED), {})
        with open(self.path(), encoding="utf-8") as file:
            self.assertEqual(len(json.load(file)["exposures"]), KEPT)

    def test_what_cannot_be_recorded_is_not_begun(self) -> None:
        folder = self.folder / "gone"
        folder.mkdir()
        answers = Answers(str(folder / "state"))
        os.remove(folder / "state")
        folder.rmdir()
        with self.assertRaises(OSError):
            answers.begin("a", ASKED)
        folder.mkdir()
        self.assertEqual(answers.begin("a", ASKED), 0)

    def test_damaged_and_foreign_files_are_named(self) -> None:
        for content in ("", "{", "{}", "[]", '{"format":"x","version":1,"exposures":[]}'):
            (self.folder / "state").write_text(content)
            with self.subTest(content), self.assertRaisesRegex(StateError, "state: "):
                Answers(self.path())
        (self.folder / "state").write_text(
            '{"format":"beacon-bridge-answers","version":2,"exposures":[]}'
        )
        with self.assertRaisesRegex(StateError, "of version 2; expected"):
            Answers(self.path())


class Data(Folder):
    def test_files_that_cannot_be_measured_are_named(self) -> None:
        for changed, named in (
            ({"image": None}, "`image` is missing"),
            ({"spectra": np.zeros((3, 5))}, "`spectra` is .3, 5."),
            ({"spectra": np.zeros((3, 4, 16))}, "differ; expected the same rows"),
            ({"image": np.full((3, 5), "x")}, "`image` is <U1; expected numbers"),
        ):
            with self.subTest(named), self.assertRaisesRegex(standin.StandinError, named):
                standin.Data(self.write(**changed))
        with self.assertRaisesRegex(standin.StandinError, "absent.npz: cannot be read"):
            standin.Data("absent.npz")

    def test_the_parts_of_a_value_sum_to_it_exactly(self) -> None:
        # Also where a value is no multiple of four, no whole number, or negative.
        total = np.array([0, 1, 7, 2**52 + 3, 0.1, 1 / 3, 1e-300, 1e15 / 3, -0.7, -5e9 / 7])
        data = standin.Data(self.write(spectra=np.broadcast_to(total, (3, 5, 10))))
        client = standin.TemMicroscopeClient(data, standin.Log(None), standin.Faults())
        client.optics.blanker.blank()
        client.optics.blanker.unblank()
        settings = standin.api.EdsAcquisitionSettings(exposure_time=1.0)
        parts = client.analysis.eds.acquire_spectrum(settings).data.reshape(4, -1)
        np.testing.assert_array_equal(((parts[0] + parts[1]) + parts[2]) + parts[3], total)

    def test_bad_input_ends_with_code_2(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        for arguments in (
            ["--standin", "absent.npz"],
            ["--state", str(self.folder / "absent" / "state"), "--standin", self.write()],
        ):
            with self.subTest(arguments):
                said = io.StringIO()
                with contextlib.redirect_stderr(said):
                    self.assertEqual(main(arguments), 2)
                self.assertIn("absent", said.getvalue())
        with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit) as ended:
            main(["--port", "70000"])
        self.assertEqual(ended.exception.code, 2)
