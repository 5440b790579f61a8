"""The data all compared programs see, and how their predictions are judged."""

from dataclasses import dataclass
from math import log, pi
from pathlib import Path

import numpy as np
import torch

WINDOW = 16
SEEDS = 10  # points a campaign starts from


@dataclass(frozen=True)
class Scene:
    """An image cut into one 16x16 patch a candidate, and the true response at each centre."""

    pixels: torch.Tensor  # [candidates, 256], the image as measured
    truth: np.ndarray  # [candidates], in units of the response

    @classmethod
    def read(cls, folder: Path) -> "Scene":
        """Reads image.npy and scalarizer.npy, both rows x columns."""
        image = np.load(folder / "image.npy").astype(np.float64)
        response = np.load(folder / "scalarizer.npy").astype(np.float64)
        patches = np.lib.stride_tricks.sliding_window_view(image, (WINDOW, WINDOW))
        rows, columns = patches.shape[:2]
        half = WINDOW // 2
        truth = response[half : half + rows, half : half + columns]
        flat = patches.reshape(rows * columns, WINDOW * WINDOW)
        return cls(torch.tensor(flat, dtype=torch.float32), truth.reshape(-1))

    @property
    def candidates(self) -> int:
        return len(self.truth)

    def responses(self, points: list[int]) -> torch.Tensor:
        return torch.tensor(self.truth[points], dtype=torch.float32)

    def free(self, points: list[int]) -> list[int]:
        """The candidates that were not measured."""
        return sorted(set(range(self.candidates)) - set(points))


@dataclass(frozen=True)
class Judgement:
    """How far a surrogate is from the truth over the candidates that were not measured."""

    mae: float  # units of the response
    nlpd: float  # nats, noise included, of the response in its units


def judge(truth: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> Judgement:
    """MAE and mean negative log density of the truth; variance includes the noise."""
    density = 0.5 * np.log(variance) + 0.5 * log(2 * pi) + (truth - mean) ** 2 / (2 * variance)
    return Judgement(float(np.abs(truth - mean).mean()), float(density.mean()))
