"""(a) The published step: a variational Gaussian process with 10 inducing points.

As the authors' notebook for the PFM benchmark trains after every measurement: patches scaled to
0..1, responses to the range of those acquired, the network kept from the step before,
hyperparameters, variational distribution and inducing points (the first 10 points) restarted,
100 epochs of Adam at 0.01. Its objective is that of an exact process applied to the variational
one, without the divergence from the prior; `objective="elbo"` puts the textbook's bound there.
"""

import gpytorch
import torch
from gpytorch.variational import CholeskyVariationalDistribution, VariationalStrategy

from network import Network
from scene import Judgement, Scene, judge

INDUCING = 10
EPOCHS = 100
RATE = 0.01


class VariationalGP(gpytorch.models.ApproximateGP):
    """One lengthscale, constant mean, learned inducing points on the latent plane."""

    def __init__(self, network: Network, inducing: torch.Tensor):
        strategy = VariationalStrategy(
            self,
            network(inducing).detach(),
            CholeskyVariationalDistribution(len(inducing)),
            learn_inducing_locations=True,
        )
        super().__init__(strategy)
        self.network = network
        self.mean = gpytorch.means.ConstantMean()
        self.covariance = gpytorch.kernels.ScaleKernel(gpytorch.kernels.RBFKernel())

    def forward(self, latents):
        return gpytorch.distributions.MultivariateNormal(
            self.mean(latents), self.covariance(latents)
        )

    def __call__(self, pixels, **kwargs):
        return super().__call__(self.network(pixels), **kwargs)


class Published:
    """Trains as published, on points in the order they were measured."""

    def __init__(self, scene: Scene, points: list[int], seed: int, objective: str = "published"):
        torch.manual_seed(seed)
        self.scene, self.points, self.objective = scene, points, objective
        low, high = scene.pixels.min(), scene.pixels.max()
        self.pixels = (scene.pixels - low) / (high - low)
        self.network = Network(padding=1)

    def prepare(self, count: int) -> None:
        """The network as it comes from the point before."""
        self.train(count - 1)

    def train(self, count: int) -> None:
        """One step: everything but the network starts anew."""
        known = self.points[:count]
        pixels, responses = self.pixels[known], self.scene.responses(known)
        self.origin, self.range = responses.min(), responses.max() - responses.min()
        targets = (responses - self.origin) / self.range
        self.likelihood = gpytorch.likelihoods.GaussianLikelihood()
        self.model = VariationalGP(self.network, pixels[:INDUCING])
        if self.objective == "elbo":
            objective = gpytorch.mlls.VariationalELBO(self.likelihood, self.model, count)
        else:
            objective = gpytorch.mlls.ExactMarginalLogLikelihood(self.likelihood, self.model)
        parameters = [*self.model.parameters(), *self.likelihood.parameters()]
        self.model.train()
        self.likelihood.train()
        optimizer = torch.optim.Adam(parameters, lr=RATE)
        for _ in range(EPOCHS):
            optimizer.zero_grad()
            loss = -objective(self.model(pixels), targets)
            loss.backward()
            optimizer.step()

    def judge(self, count: int) -> Judgement:
        free = self.scene.free(self.points[:count])
        self.model.eval()
        self.likelihood.eval()
        with torch.no_grad():
            predicted = self.likelihood(self.model(self.pixels[free]))
        mean = predicted.mean * self.range + self.origin
        variance = predicted.variance * self.range**2
        return judge(self.scene.truth[free], mean.double().numpy(), variance.double().numpy())
