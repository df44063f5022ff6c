"""BoTorch: optimisation by Gaussian processes."""

import torch
from botorch.acquisition import ExpectedImprovement, UpperConfidenceBound, qLogExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import ModelListGP, SingleTaskGP
from botorch.models.transforms import Normalize, Standardize
from botorch.optim import optimize_acqf
from botorch.sampling import SobolQMCNormalSampler
from botorch.utils.multi_objective import Hypervolume, is_non_dominated
from gpytorch.mlls import ExactMarginalLogLikelihood
from programs import run_programs


def _fitted():
    x = torch.rand(8, 2, dtype=torch.float64)
    y = -((x - 0.3) ** 2).sum(1, keepdim=True)
    model = SingleTaskGP(x, y, input_transform=Normalize(2), outcome_transform=Standardize(1))
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    return model, x, y


def next_point():
    model, _x, y = _fitted()
    bounds = torch.stack([torch.zeros(2), torch.ones(2)]).double()
    for acquisition in (UpperConfidenceBound(model, beta=0.1), ExpectedImprovement(model, y.max())):
        found, value = optimize_acqf(acquisition, bounds, q=1, num_restarts=2, raw_samples=8)
        print(type(acquisition).__name__, found.round(decimals=2), value.round(decimals=3))


def monte_carlo():
    model, x, y = _fitted()
    sampler = SobolQMCNormalSampler(torch.Size([16]), seed=1)
    acquisition = qLogExpectedImprovement(model, y.max(), sampler)
    print(
        acquisition(torch.tensor([[[0.2, 0.4], [0.6, 0.1]]], dtype=torch.float64)).round(decimals=3)
    )
    posterior = ModelListGP(model, model).posterior(x[:2])
    print(posterior.mean.round(decimals=4), posterior.variance.shape)
    values = torch.rand(6, 2)
    print(
        is_non_dominated(values),
        Hypervolume(torch.zeros(2)).compute(values[is_non_dominated(values)]),
    )


run_programs()
