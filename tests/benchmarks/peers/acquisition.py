"""(c) BoTorch's acquisition over all candidates with a joint sample.

The posterior of (b) at every candidate, one joint sample of it, and the novelty of each sampled
response: its mean distance to the 10 nearest of those measured, denoised by the posterior. The
largest that was not measured is chosen. Two starts, and the fastest each allows:

`anew`     the model was just trained: latents of all candidates and everything the prediction
           keeps have to be worked out.
`in_place` the model is in place, with the latents of all candidates and all that its prediction
           keeps for the points measured: what is left is the posterior, the sample, the novelty.
"""

import copy
import warnings

import gpytorch
import torch
from botorch.acquisition import AcquisitionFunction
from botorch.models.gpytorch import GPyTorchModel
from linear_operator.utils.warnings import NumericalWarning

from exact import DeepKernelGP, Exact

NEIGHBOURS = 10


class Novelty(AcquisitionFunction):
    """Mean distance of a jointly sampled response to the nearest responses known."""

    def __init__(self, model, references: torch.Tensor):
        super().__init__(model)
        self.references = references

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """[candidates, features] to [candidates], from one sample over all of them."""
        sample = self.model.posterior(X).rsample(torch.Size([1])).reshape(-1, 1)
        nearest = min(NEIGHBOURS, len(self.references))
        distances = torch.cdist(sample, self.references.reshape(-1, 1))
        return distances.topk(nearest, dim=-1, largest=False).values.mean(dim=-1)


class LatentGP(gpytorch.models.ExactGP, GPyTorchModel):
    """A trained process behind its network: the latents are its inputs."""

    _num_outputs = 1

    def __init__(self, model: DeepKernelGP, latents: torch.Tensor, targets: torch.Tensor):
        super().__init__(latents, targets, model.likelihood)
        self.mean, self.covariance = model.mean, model.covariance

    def forward(self, latents):
        return gpytorch.distributions.MultivariateNormal(
            self.mean(latents), self.covariance(latents)
        )


class Acquisition:
    """Decides with a trained model on the points it was trained on."""

    def __init__(self, exact: Exact, count: int):
        # Of its own, and in the precision it was trained in: double is no faster.
        self.model = copy.deepcopy(exact.model)
        self.pixels = exact.pixels
        self.known = exact.points[:count]
        self.targets = self.model.train_targets
        with torch.no_grad():
            self.latents = self.model.network(self.pixels)
        self.latent_model = LatentGP(self.model, self.latents[self.known], self.targets)
        self.latent_model.eval()
        self.in_place()

    def anew(self) -> int:
        """The choice right after training."""
        self.model.train()
        self.model.eval()
        return self._choose(self.model, self.pixels)

    def in_place(self) -> int:
        """The choice with everything in place that can be."""
        return self._choose(self.latent_model, self.latents)

    def _choose(self, model, inputs: torch.Tensor) -> int:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore", NumericalWarning)
            references = model.posterior(inputs[self.known]).mean
            scores = Novelty(model, references)(inputs)
            scores[self.known] = -torch.inf
            return int(scores.argmax())
