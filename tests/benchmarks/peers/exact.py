"""(b) An exact deep-kernel Gaussian process in GPyTorch, trained from where it was.

The model is ours by default: the network without padding, one lengthscale a latent axis, image
and responses standardised, and a noise floor of 0.01 against over-confidence. 150 epochs of Adam
at 0.01 on the points before, which are not timed, then 3 epochs a new point.
"""

import gpytorch
import torch
from botorch.models.gpytorch import GPyTorchModel

from network import Network
from scene import SEEDS, Judgement, Scene, judge

INITIAL_EPOCHS = 150
EPOCHS = 3
RATE = 0.01
NOISE_FLOOR = 1e-2


class DeepKernelGP(gpytorch.models.ExactGP, GPyTorchModel):
    """Constant mean, scaled RBF with two lengthscales on the network's latent plane."""

    _num_outputs = 1

    def __init__(self, pixels: torch.Tensor, targets: torch.Tensor):
        floor = gpytorch.constraints.GreaterThan(NOISE_FLOOR)
        likelihood = gpytorch.likelihoods.GaussianLikelihood(noise_constraint=floor)
        super().__init__(pixels, targets, likelihood)
        self.network = Network(padding=0)
        self.mean = gpytorch.means.ConstantMean()
        self.covariance = gpytorch.kernels.ScaleKernel(
            gpytorch.kernels.RBFKernel(ard_num_dims=2)
        )

    def forward(self, pixels):
        latents = self.network(pixels)
        return gpytorch.distributions.MultivariateNormal(
            self.mean(latents), self.covariance(latents)
        )


class Exact:
    """Trains an exact process, on points in the order they were measured."""

    def __init__(self, scene: Scene, points: list[int], seed: int):
        torch.manual_seed(seed)
        self.scene, self.points = scene, points
        self.pixels = (scene.pixels - scene.pixels.mean()) / scene.pixels.std()
        self.model = DeepKernelGP(*self.data(1))
        self.objective = gpytorch.mlls.ExactMarginalLogLikelihood(
            self.model.likelihood, self.model
        )
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=RATE)

    def data(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Patches and standardised responses of the first points."""
        known = self.points[:count]
        responses = self.scene.responses(known)
        self.origin = responses.mean()
        self.scale = responses.std(correction=0).clamp_min(1e-12)
        return self.pixels[known], (responses - self.origin) / self.scale

    def prepare(self, count: int) -> None:
        """The model as it comes from the point before."""
        self.train(count - 1, INITIAL_EPOCHS)

    def grow(self, count: int) -> None:
        """The same, as a campaign has it: from its first 10 points on, a step a point."""
        self.train(SEEDS, INITIAL_EPOCHS)
        for known in range(SEEDS + 1, count):
            self.train(known)

    def train(self, count: int, epochs: int = EPOCHS) -> None:
        pixels, targets = self.data(count)
        self.model.set_train_data(pixels, targets, strict=False)
        self.model.train()
        for _ in range(epochs):
            self.optimizer.zero_grad()
            loss = -self.objective(self.model(pixels), targets)
            loss.backward()
            self.optimizer.step()

    def judge(self, count: int) -> Judgement:
        free = self.scene.free(self.points[:count])
        self.model.eval()
        with torch.no_grad():
            predicted = self.model.likelihood(self.model(self.pixels[free]))
        mean = predicted.mean * self.scale + self.origin
        variance = predicted.variance * self.scale**2
        return judge(self.scene.truth[free], mean.double().numpy(), variance.double().numpy())
