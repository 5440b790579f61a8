"""What the tests share: a file to measure, and a server process on it."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(FOLDER))

HEIGHT, WIDTH, CHANNELS = 3, 5, 16


def arrays() -> dict:
    """Counts that differ at every pixel and in every channel."""
    spectra = np.arange(HEIGHT * WIDTH * CHANNELS, dtype=np.uint32)
    return {
        "image": np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH),
        "spectra": spectra.reshape(HEIGHT, WIDTH, CHANNELS),
        "dispersion": np.float64(10),
        "offset": np.float64(-200),
        "pixel_size": np.array([1.5, 2.5]),
        "current": np.float64(50),
    }


class Folder(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, **changed: object) -> str:
        """The file to measure, with arrays replaced, or left out where `None`."""
        held = {**arrays(), **changed}
        path = str(self.folder / "data.npz")
        np.savez(path, **{name: value for name, value in held.items() if value is not None})
        return path


class Served(Folder):
    """A test with a server process."""

    def setUp(self) -> None:
        super().setUp()
        self.data = self.write()
        self.log = self.folder / "exposures"
        self.process: subprocess.Popen | None = None
        self.addCleanup(self.kill)

    def start(self, *options: str) -> None:
        """Starts a server of the stand-in on a free port."""
        self.run_bridge(["--standin", self.data, "--exposure-log", str(self.log), *options], FOLDER)

    def run_bridge(self, options: list[str], where: pathlib.Path) -> None:
        """Starts a server on a free port, in a folder."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "beacon_bridge", "--port", "0", *options],
            cwd=where,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(FOLDER)},
        )
        ready = self.process.stdout.readline()
        if not ready:
            self.fail(f"no server: {self.process.stderr.read()}")
        self.port = int(ready.rsplit(":", 1)[1])

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Ends the server and returns its exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        code = self.process.wait(10)
        self.process.stdout.close()
        self.process.stderr.close()
        self.process = None
        return code

    def host(self, hello: bool = True) -> Host:
        """A host that is connected."""
        host = Host(self.port)
        self.addCleanup(host.close)
        if hello:
            host.ok("hello", protocol="beacon-bridge", versions=[1])
        return host

    def returning(self) -> Host:
        """A host that connects as soon as the server sees that the one before it has left."""
        for _ in range(500):
            host = self.host(hello=False)
            if "ok" in host.call("hello", protocol="beacon-bridge", versions=[1]):
                return host
            host.close()
        self.fail("the server takes the one before for alive")

    def events(self) -> list[str]:
        """What the beam did."""
        return self.log.read_text().splitlines()

    def settled(self) -> list[str]:
        """What the beam did, once it is blanked."""
        for _ in range(500):
            events = self.events()
            if events and events[-1] == "blank":
                return events
            try:
                self.process.wait(0.01)
            except subprocess.TimeoutExpired:
                pass
        self.fail(f"the beam stays on: {self.events()}")


class Host:
    """The other end."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        self._file = self._socket.makefile("rb")
        self._number = 0

    def close(self) -> None:
        """Leaves without a farewell."""
        self._file.close()
        self._socket.close()

    def send(self, line: bytes) -> None:
        """Sends a line, whatever it is."""
        self._socket.sendall(line + b"\n")

    def receive(self) -> dict | None:
        """The next line; `None` when the server closed."""
        line = self._file.readline()
        return json.loads(line) if line else None

    def ask(self, call: str, **content: object) -> None:
        """Sends a request and does not wait."""
        self._number += 1
        self.send(json.dumps({"id": self._number, "call": call, **content}).encode())

    def call(self, call: str, **content: object) -> dict:
        """Sends a request and returns the line that answers it."""
        self.ask(call, **content)
        return self.receive()

    def ok(self, call: str, **content: object) -> dict:
        """What a request that must succeed is answered with."""
        reply = self.call(call, **content)
        if "ok" not in reply or reply["id"] != self._number:
            raise AssertionError(reply)
        return reply["ok"]

    def error(self, call: str, **content: object) -> tuple[str, str]:
        """Kind and message of a request that must fail."""
        reply = self.call(call, **content)
        return reply["error"]["kind"], reply["error"]["message"]
