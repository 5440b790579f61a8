"""The notebooks, cell by cell, without Jupyter."""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support import PFM, ROOT

EXAMPLES = ROOT / "host" / "python" / "examples"
INSTRUMENTS = ROOT / "target" / "instruments" / "bin" / "python"


def code(name: str) -> str:
    """The cells of a notebook as one program; the last expression of a cell is shown nowhere."""
    cells = json.loads((EXAMPLES / f"{name}.ipynb").read_text())["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def has(package: str) -> bool:
    """Whether the Python with the programs of instruments has a package."""
    found = INSTRUMENTS.is_file() and subprocess.run([INSTRUMENTS, "-c", f"import {package}"], capture_output=True)
    return bool(found) and found.returncode == 0


def execute(name: str) -> str:
    """Executes a notebook in its folder, and returns what it prints."""
    printed, before = io.StringIO(), os.getcwd()
    os.chdir(EXAMPLES)
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(code(name), f"{name}.ipynb", "exec"), {"__name__": "__main__"})
    finally:
        os.chdir(before)
    return printed.getvalue()


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        os.environ.setdefault("MPLBACKEND", "agg")
        os.environ.setdefault("PFM", str(PFM))

    def test_pfm(self) -> None:
        printed = execute("pfm")
        self.assertIn("target coverage after 50 steps", printed)
        self.assertIn("bold", printed)

    def test_autoscript(self) -> None:
        execute("autoscript")

    def test_bluesky(self) -> None:
        execute("bluesky")

    def test_dtmicroscope(self) -> None:
        if not has("Pyro5"):
            self.skipTest("tests/instruments/install has not installed Pyro5")
        real = ROOT / "tests" / "instruments"
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "twin.h5"
            server = Path(__file__).with_name("twin.py")
            if has("DTMicroscope"):
                subprocess.run([INSTRUMENTS, real / "make_nsid.py", data], check=True)
                server = real / "serve_stem.py"
            else:
                print("skipped: DTMicroscope, which is not installed; a stand-in takes its place")
            serving = subprocess.Popen([INSTRUMENTS, server, "0"], stdout=subprocess.PIPE, text=True, cwd=folder)
            assert serving.stdout is not None
            try:
                words = iter(serving.stdout.readline, "")
                place = next(line for line in words if line.startswith("serving ")).split()[1]
                # The wheel is for every Python: theirs takes it from where it is unpacked.
                wheel = next((ROOT / "target" / "python-build" / "wheels").glob("*.whl"))
                subprocess.run([sys.executable, "-m", "zipfile", "-e", wheel, folder], check=True)
                environment = dict(os.environ, PYTHONPATH=folder, TWIN=place, TWIN_DATA=str(data))
                # Theirs has no matplotlib that is used elsewhere.
                program = code("dtmicroscope").replace("explorer.plot(image)\n", "")
                done = subprocess.run(
                    [INSTRUMENTS, "-c", program], env=environment, capture_output=True, text=True, check=False
                )
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("eV between", done.stdout)
            finally:
                serving.kill()
                serving.wait()
                serving.stdout.close()


if __name__ == "__main__":
    unittest.main()
