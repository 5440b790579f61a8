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
        twin = ROOT / "tests" / "instruments"
        if not INSTRUMENTS.is_file() or subprocess.run([INSTRUMENTS, "-c", "import DTMicroscope"]).returncode:
            self.skipTest("DTMicroscope is not installed")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "twin.h5"
            subprocess.run([INSTRUMENTS, twin / "make_nsid.py", file], check=True)
            server = subprocess.Popen(
                [INSTRUMENTS, twin / "serve_stem.py", "0"], stdout=subprocess.PIPE, text=True, cwd=folder
            )
            try:
                assert server.stdout is not None
                words = iter(server.stdout.readline, "")
                place = next(line for line in words if line.startswith("serving ")).split()[1]
                # The package is for every Python: theirs takes it from where it is installed here.
                package = Path(folder) / "package"
                wheel = next((ROOT / "target" / "python" / "wheels").glob("*.whl"))
                subprocess.run([sys.executable, "-m", "zipfile", "-e", wheel, package], check=True)
                environment = dict(os.environ, PYTHONPATH=str(package), TWIN=place, TWIN_DATA=str(file))
                # Theirs is without matplotlib's window as well.
                program = code("dtmicroscope").replace("explorer.plot(image)\n", "")
                done = subprocess.run(
                    [INSTRUMENTS, "-c", program], env=environment, capture_output=True, text=True, check=False
                )
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("eV between", done.stdout)
            finally:
                server.kill()
                server.wait()
                assert server.stdout is not None
                server.stdout.close()


if __name__ == "__main__":
    unittest.main()
