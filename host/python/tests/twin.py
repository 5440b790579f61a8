"""Stands in for DTMicroscope's server where that is not installed: the calls of the notebook, on a sample of formulas.

    python twin.py

Says `serving HOST:PORT` when it listens, as `tests/instruments/serve_stem.py` does for the real one.
"""

import numpy as np
import Pyro5.api

ROWS, COLUMNS = np.mgrid[0:32, 0:40]
PARTICLE = np.exp(-((ROWS - 10) ** 2 + (COLUMNS - 25) ** 2) / 40)
ENERGIES = 5.0 + 0.5 * np.arange(64)


def sent(array: np.ndarray) -> "tuple[list, tuple, str]":
    """An array as the server sends it."""
    return array.tolist(), array.shape, str(array.dtype)


@Pyro5.api.expose
class Server:
    """The methods that the notebook calls."""

    def initialize_microscope(self, kind: str) -> None:
        assert kind == "STEM"

    def register_data(self, path: str) -> None:
        assert path

    def get_overview_image(self) -> "tuple[list, tuple, str]":
        return sent(100.0 + 300.0 * PARTICLE + COLUMNS)

    def get_spectrum_image_e_axis(self, channel: str) -> "tuple[list, tuple, str]":
        assert channel == "Channel_001"
        return sent(ENERGIES)

    def get_point_data(self, channel: str, x: int, y: int) -> "tuple[list, tuple, str]":
        assert channel == "Channel_001"
        centre = 20.0 - 4.0 * PARTICLE[x, y]
        return sent(np.exp(-(((ENERGIES - centre) / 3.0) ** 2)) * (400.0 + 900.0 * PARTICLE[x, y]))


def main() -> None:
    daemon = Pyro5.api.Daemon(port=0)
    daemon.register(Server, objectId="microscope.server")
    print(f"serving {daemon.locationStr}", flush=True)
    daemon.requestLoop()


if __name__ == "__main__":
    main()
