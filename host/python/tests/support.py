"""What the tests share: data, the program, and what it makes of them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np

import beacon

ROOT = Path(__file__).resolve().parents[3]
PFM = ROOT.parent / "shared" / "data" / "pfm"


def program() -> Path:
    """The program that the wheel is compared with."""
    found = [Path(os.environ["BEACON"])] if "BEACON" in os.environ else []
    found += [ROOT / "target" / profile / "beacon" for profile in ("release", "debug")]
    for path in found:
        if path.is_file():
            return path
    raise FileNotFoundError(f"no program among {', '.join(map(str, found))}; expected `cargo build --release`")


def run(*words: object) -> str:
    """What the program prints."""
    done = subprocess.run([program(), *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"beacon {' '.join(map(str, words))}: {done.stderr}")
    return done.stdout


def replay(folder: Path, image: np.ndarray, response: np.ndarray, *words: object) -> dict:
    """The summary of `beacon replay` on these arrays, with the maps in its folder."""
    return replay_of(folder, image, {"response": response}, *words)


def replay_of(folder: Path, image: np.ndarray, responses: "dict[str, np.ndarray]", *words: object) -> dict:
    """The same of several responses, or of spectra."""
    files = files_of(folder, image, responses)
    text = run("replay", *files, "--json", "--out", folder / "replay", *words)
    summary: dict = json.loads(text)
    for name in ("surrogate_mean", "surrogate_sigma", "map_mean"):
        summary[f"{name}.npy"] = np.load(folder / "replay" / f"{name}.npy")
    return summary


def files_of(folder: Path, image: np.ndarray, responses: "dict[str, np.ndarray]") -> "tuple[object, ...]":
    """Arrays in files, as arguments of the program."""
    np.save(folder / "image.npy", image)
    files: "tuple[object, ...]" = ("--image", folder / "image.npy")
    for name, response in responses.items():
        np.save(folder / f"{name}.npy", response)
        files += ("--response", folder / f"{name}.npy")
    return files


def pfm() -> "tuple[np.ndarray, np.ndarray]":
    """The published piezoresponse benchmark; a built-in specimen where its files are absent."""
    if PFM.is_dir():
        return np.load(PFM / "image.npy"), np.load(PFM / "scalarizer.npy")
    print("skipped: PFM, which is not beside the repository; a built-in specimen takes its place")
    image, response, _ = beacon.specimen("ferroelectric")
    return image.values[:50, :50], response.values[:50, :50]


def explored(explorer: "beacon.Explorer", response: np.ndarray) -> "list[tuple[int, int]]":
    """Asks and tells until nothing is left."""
    order = []
    for row, column in explorer:
        explorer.tell((row, column), response[row, column])
        order.append((row, column))
    return order
