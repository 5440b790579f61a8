"""The driver against doubles of AutoScript that behave as releases and failures do."""

from __future__ import annotations

import contextlib
import io
import platform
import threading
from types import SimpleNamespace

import numpy as np

from support import CHANNELS, Folder, arrays

from beacon_bridge import standin
from beacon_bridge.answers import Answers
from beacon_bridge.autoscript import AutoScript, InstrumentError, Settings
from beacon_bridge.protocol import Refusal
from beacon_bridge.service import Service


class Driver(Folder):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.folder / "log"

    def client(self, **changed: object) -> standin.TemMicroscopeClient:
        data = standin.Data(self.write(**changed))
        return standin.TemMicroscopeClient(data, standin.Log(str(self.log)), standin.Faults())

    def driver(self, client: object, spare: object = None, **settings: object) -> AutoScript:
        settings = {"dispersion": 10.0, **settings}
        return AutoScript(client, spare or client, standin.api, Settings(**settings))

    def test_calibrating_exposes_nothing(self) -> None:
        driver = self.driver(self.client())
        self.assertEqual(driver.channels.size, CHANNELS)
        self.assertEqual(self.log.read_text().splitlines(), ["blank"])

    def test_missing_calibrations_stay_missing_or_are_the_operators(self) -> None:
        client = self.client(dispersion=None, offset=None, pixel_size=None)
        channels = self.driver(client, dispersion=None).channels
        self.assertEqual((channels.scale, channels.offset), (None, None))
        driver = self.driver(client, dispersion=20.0, offset=-100.0)
        self.assertEqual((driver.channels.scale, driver.channels.offset), (0.02, -0.1))
        self.assertIsNone(driver.overview().pixel_nm)

    def test_a_dispersion_in_other_units_is_refused(self) -> None:
        with self.assertRaisesRegex(InstrumentError, "0.01; expected 10.0 eV as asked for"):
            self.driver(self.client(dispersion=np.float64(0.01)))

    def test_the_beam_current_is_the_images_unless_the_operators(self) -> None:
        driver = self.driver(self.client())
        self.assertIsNone(driver.beam_current_pa)
        driver.overview()
        self.assertEqual(driver.beam_current_pa, 50.0)
        driver = self.driver(self.client(), beam_current=40.0)
        driver.overview()
        self.assertEqual(driver.beam_current_pa, 40.0)

    def test_raw_bytes_are_little_endian_counts(self) -> None:
        client = self.client()
        acquire = client.analysis.eds.acquire_spectrum

        def swapped(settings: object) -> SimpleNamespace:
            found = acquire(settings)
            raw = found.data.astype("<u4").tobytes()
            # What numpy makes of them in the releases that take the other order.
            found.data = np.frombuffer(raw, dtype=">u4")
            found._raw_data = raw
            return found

        client.analysis.eds.acquire_spectrum = swapped
        values = self.driver(client).acquire(0.5, 0.5, 0.1).values
        np.testing.assert_array_equal(values.sum(axis=0), arrays()["spectra"][1, 2])

    def test_earlier_releases_blank_and_acquire_by_other_names(self) -> None:
        client = self.client()
        blanker, eds = client.optics.blanker, client.analysis.eds
        optics = SimpleNamespace(
            optical_mode="Stem", blank=blanker.blank, unblank=blanker.unblank
        )
        client = SimpleNamespace(
            optics=optics,
            analysis=SimpleNamespace(acquire_eds_spectrum=eds.acquire_spectrum),
            acquisition=client.acquisition,
        )
        driver = self.driver(client)
        driver.acquire(0.5, 0.5, 0.1)
        self.assertEqual(self.log.read_text().splitlines()[-1], "blank")
        self.assertEqual(driver.name, "microscope, AutoScript")

    def test_another_mode_than_stem_is_refused_with_the_beam_blanked(self) -> None:
        client = self.client()
        client.optics.optical_mode = "Tem"
        with self.assertRaisesRegex(InstrumentError, "is Tem; switch to Stem"):
            self.driver(client)
        self.assertTrue(client.optics.blanker.is_beam_blanked)

    def test_a_spectrum_of_another_length_is_refused_blanked(self) -> None:
        client = self.client()
        driver = self.driver(client)
        client.analysis.eds.acquire_spectrum = lambda _: SimpleNamespace(data=np.zeros(8))
        with self.assertRaisesRegex(InstrumentError, "2 channels; expected 16"):
            driver.acquire(0.5, 0.5, 0.1)
        client.analysis.eds.acquire_spectrum = lambda _: SimpleNamespace(data=np.zeros(7))
        with self.assertRaisesRegex(InstrumentError, "7 values; expected those of 4 detectors"):
            driver.acquire(0.5, 0.5, 0.1)
        self.assertTrue(client.optics.blanker.is_beam_blanked)

    def test_a_blanker_that_does_nothing_is_an_error(self) -> None:
        client = self.client()
        driver = self.driver(client)
        client.optics.blanker.blank = lambda: None
        with self.assertRaisesRegex(InstrumentError, "close the column valves"):
            driver.acquire(0.5, 0.5, 0.1)

    def test_a_service_that_cannot_blank_gives_up(self) -> None:
        client = self.client()
        service = Service(self.driver(client), Answers())

        def fails(*_: object) -> None:
            raise ConnectionError("AutoScript is gone")

        client.acquisition.acquire_stem_image = fails
        with self.assertRaises(Refusal):
            service.carry_out({"call": "overview"})
        client.optics.blanker.blank = fails
        # Not an answer to the host, but the end of the server.
        with self.assertRaises(ConnectionError):
            service.carry_out({"call": "overview"})

    def test_an_abort_blanks_over_the_spare_connection_while_the_other_is_busy(self) -> None:
        client, spare = self.client(), self.client()
        driver = self.driver(client, spare)
        acquire = client.analysis.eds.acquire_spectrum
        spare.optics.blanker.is_beam_blanked = False
        seen = []

        def goes_on(settings: object) -> SimpleNamespace:
            # An acquisition that does not care for its beam, and returns a spectrum.
            aborting = threading.Thread(target=driver.abort)
            aborting.start()
            aborting.join(10)
            seen.append(spare.optics.blanker.is_beam_blanked)
            return acquire(settings)

        client.analysis.eds.acquire_spectrum = goes_on
        with self.assertRaisesRegex(InstrumentError, "was aborted"):
            driver.acquire(0.5, 0.5, 0.1)
        self.assertEqual(seen, [True])
        self.assertTrue(client.optics.blanker.is_beam_blanked)
        driver.allow()
        client.analysis.eds.acquire_spectrum = acquire
        driver.acquire(0.5, 0.5, 0.1)

    def test_an_abort_just_before_the_beam_is_unblanked_leaves_it_off(self) -> None:
        client = self.client()
        driver = self.driver(client)
        unblank = client.optics.blanker.unblank

        def late() -> None:
            driver.abort()
            unblank()

        client.optics.blanker.unblank = late
        with self.assertRaisesRegex(InstrumentError, "was aborted"):
            driver.acquire(0.5, 0.5, 0.1)
        self.assertTrue(client.optics.blanker.is_beam_blanked)
        self.assertNotIn("begin spectrum", self.log.read_text())

    def test_instruments_without_a_serial_number_are_told_apart_by_their_computer(self) -> None:
        def identity(**known: str) -> str:
            client = self.client()
            client.service.system = SimpleNamespace(name="Column")
            for name, value in known.items():
                setattr(client, name, value)
            return self.driver(client).identity

        self.assertEqual(identity(server_host="titan-pc"), "titan-pc")
        self.assertEqual(identity(), platform.node())
        self.assertEqual(identity(server_host="localhost"), platform.node())

    def test_an_exposure_that_does_not_end_is_blanked_over_the_spare_connection(self) -> None:
        client, spare = self.client(), self.client()
        driver = self.driver(client, spare, patience=0.01)
        blanked = threading.Event()
        spare.optics.blanker.blank = blanked.set
        spare.optics.blanker.is_beam_blanked = True
        client.analysis.eds.acquire_spectrum = lambda _: blanked.wait(10)
        said = io.StringIO()
        with contextlib.redirect_stderr(said), self.assertRaises(Exception):
            driver.acquire(0.5, 0.5, 0.001)
        self.assertTrue(blanked.is_set())
