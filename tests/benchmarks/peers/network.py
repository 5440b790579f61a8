"""The network all compared programs train: 16 and 32 channels, then two latent coordinates."""

import torch
from torch import nn

from scene import WINDOW


class Network(nn.Sequential):
    """[..., 256] to [..., 2]. Padded as published, or not, as our default architecture."""

    def __init__(self, padding: int):
        side = WINDOW
        for _ in range(2):
            side = (side - 2 + 2 * padding) // 2
        super().__init__(
            nn.Conv2d(1, 16, kernel_size=3, padding=padding),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, kernel_size=3, padding=padding),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * side * side, 2),
        )

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        flat = pixels.reshape(-1, 1, WINDOW, WINDOW)
        return super().forward(flat).reshape(*pixels.shape[:-1], 2)
