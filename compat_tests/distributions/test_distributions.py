"""Distributions: draws, densities, divergences and refusals recorded from PyTorch 2.13."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys

import pytest

import jtorch as torch
from compat_tests.documents.execution import environment

D = torch.distributions

#: What makes a distribution, its first draw after ``manual_seed(0)``, and the log density there.
DRAWN = [
    (lambda: D.LogNormal(0.5, 2.0), [35.945076], -6.38141),
    (lambda: D.HalfNormal(2.0), [3.081992], -2.10627),
    (lambda: D.Gumbel(0.5, 2.0), [1.211458], -1.74954),
    (lambda: D.Weibull(2.0, 1.5), [4.617745], -3.37763),
    (lambda: D.Pareto(1.0, 3.0), [3.220196], -3.57916),
    (lambda: D.Kumaraswamy(2.0, 3.0), [0.456383], 0.54023),
    (lambda: D.InverseGamma(3.0, 1.0), [0.16508], 0.45449),
    (lambda: D.Beta(2.0, 3.0), [0.672644], -0.14505),
    (lambda: D.StudentT(5.0), [1.835135], -2.51345),
    (lambda: D.Poisson(4.0), [7.0], -2.8211),
    (lambda: D.Bernoulli(0.3), [0.0], -0.35667),
    (lambda: D.Categorical(torch.tensor([0.2, 0.3, 0.5])), [2], -0.69315),
    (
        lambda: D.Dirichlet(torch.tensor([0.5, 2.0, 3.0])),
        [0.000221, 0.176924, 0.822855],
        4.77868,
    ),
    (
        lambda: D.MixtureSameFamily(
            D.Categorical(torch.tensor([0.3, 0.7])), D.Normal(torch.tensor([0.0, 3.0]), 1.0)
        ),
        [3.568431],
        -1.43631,
    ),
]


@pytest.mark.parametrize(("make", "drawn", "log_density"), DRAWN)
def test_draws_and_densities(make, drawn, log_density):
    distribution = make()
    torch.manual_seed(0)
    sample = distribution.sample()
    assert sample.reshape(-1).tolist() == pytest.approx(drawn, rel=1e-5, abs=1e-6)
    assert distribution.log_prob(sample).item() == pytest.approx(log_density, rel=1e-4)


def test_gradients_flow_through_draws():
    loc, scale = (torch.tensor(value, requires_grad=True) for value in (0.5, 2.0))
    torch.manual_seed(0)
    D.LogNormal(loc, scale).rsample((3,)).sum().backward()
    assert [loc.grad.item(), scale.grad.item()] == pytest.approx([36.8830, 55.0762], rel=1e-5)


@pytest.mark.parametrize(
    ("p", "q", "expected"),
    [
        (lambda: D.Normal(0.0, 1.0), lambda: D.Normal(1.0, 2.0), 0.44315),
        (lambda: D.LogNormal(0.0, 1.0), lambda: D.LogNormal(1.0, 2.0), 0.44315),
        (lambda: D.Gamma(2.0, 1.0), lambda: D.Gamma(3.0, 2.0), 0.19092),
        (lambda: D.Exponential(2.0), lambda: D.Normal(0.0, 1.0), 0.86209),
        (lambda: D.Normal(0.0, 1.0), lambda: D.Exponential(2.0), math.inf),
    ],
)
def test_divergences(p, q, expected):
    assert D.kl_divergence(p(), q()).item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "values", "log_determinants"),
    [
        ("StickBreakingTransform", [0.26921, 0.18345, 0.31442, 0.23292], [-5.62216]),
        (
            "CorrCholeskyTransform",
            [1.0, 0.0, 0.0, 0.09967, 0.99502, 0.0, -0.37995, 0.26947, 0.88489],
            [-0.33253],
        ),
        ("TanhTransform", [0.09967, -0.37995, 0.29131], [-0.00998, -0.15591, -0.08868]),
        ("SigmoidTransform", [0.52498, 0.40131, 0.57444], [-1.38879, -1.42603, -1.40871]),
    ],
)
def test_transforms(name, values, log_determinants):
    transform = getattr(D, name)()
    x = torch.tensor([0.1, -0.4, 0.3])
    y = transform(x)
    assert y.reshape(-1).tolist() == pytest.approx(values, abs=1e-5)
    determinants = transform.log_abs_det_jacobian(x, y)
    assert determinants.reshape(-1).tolist() == pytest.approx(log_determinants, abs=1e-4)
    assert transform.inv(y).tolist() == pytest.approx(x.tolist(), abs=1e-5)
    assert transform.inv.inv is transform


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: D.Normal(0.0, -1.0),
            ValueError,
            "Expected parameter scale (Tensor of shape ()) of distribution Normal(loc: 0.0, "
            "scale: -1.0) to satisfy the constraint GreaterThan(lower_bound=0.0), but found "
            "invalid values:\n-1.0",
        ),
        (
            lambda: D.LogNormal(0.0, 1.0).log_prob(torch.tensor(-1.0)),
            ValueError,
            "Expected value argument (Tensor of shape ()) to be within the support "
            "(GreaterThan(lower_bound=0.0)) of the distribution LogNormal(), but found invalid "
            "values:\n-1.0",
        ),
        (
            lambda: D.kl_divergence(D.Normal(0.0, 1.0), D.StudentT(2.0)),
            NotImplementedError,
            "No KL(p || q) is implemented for p type Normal and q type StudentT",
        ),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error) as refused:
        call()
    assert str(refused.value) == words


def test_checks_can_be_left_out():
    D.Normal(0.0, -1.0, validate_args=False)
    D.Distribution.set_default_validate_args(False)
    try:
        D.Normal(0.0, -1.0)
    finally:
        D.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError):
        D.Normal(0.0, -1.0)


def test_copies():
    mixture = DRAWN[-1][0]()
    for twin in (copy.deepcopy(mixture), pickle.loads(pickle.dumps(mixture))):
        torch.manual_seed(0)
        assert twin.sample().item() == pytest.approx(3.568431, rel=1e-5)
        assert repr(twin) == repr(mixture)


def test_it_is_imported_when_it_is_read():
    """By name, by attribute, and under PyTorch's name; not by ``import jtorch``."""
    program = (
        "import sys, jtorch; print(any('distributions' in name for name in sys.modules));"
        "print('distributions' in dir(jtorch), jtorch.distributions.Normal);"
        "jtorch.install(); from torch.distributions import kl; import torch.distributions as d;"
        "print(d is jtorch.distributions, kl is d.kl)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True
    )
    assert finished.stdout.splitlines() == [
        "False",
        "True <class 'torch.distributions.normal.Normal'>",
        "True True",
    ], finished.stderr
