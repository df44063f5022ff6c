"""Pyro: inference by variation and by sampling."""

import pyro
import pyro.distributions as dist
import torch
from programs import run_programs
from pyro.infer import MCMC, NUTS, SVI, Predictive, Trace_ELBO
from pyro.infer.autoguide import AutoNormal
from pyro.optim import Adam


def _coin(data):
    fairness = pyro.sample("fairness", dist.Beta(10.0, 10.0))
    with pyro.plate("data", len(data)):
        pyro.sample("seen", dist.Bernoulli(fairness), obs=data)


def _line(x, y=None):
    slope = pyro.sample("slope", dist.Normal(0.0, 2.0))
    width = pyro.sample("width", dist.HalfNormal(1.0))
    with pyro.plate("points", len(x)):
        return pyro.sample("y", dist.Normal(slope * x, width), obs=y)


def variational_inference():
    pyro.clear_param_store()
    data = torch.tensor([1.0] * 6 + [0.0] * 4)

    def guide(data):
        positive = dist.constraints.positive
        a = pyro.param("a", torch.tensor(15.0), constraint=positive)
        b = pyro.param("b", torch.tensor(15.0), constraint=positive)
        pyro.sample("fairness", dist.Beta(a, b))

    inference = SVI(_coin, guide, Adam({"lr": 0.005}), loss=Trace_ELBO())
    for step in range(10):
        print(step, round(inference.step(data), 4))
    print(round(pyro.param("a").item(), 4), round(pyro.param("b").item(), 4))


def automatic_guide():
    pyro.clear_param_store()
    x = torch.linspace(-1, 1, 20)
    guide = AutoNormal(_line)
    inference = SVI(_line, guide, Adam({"lr": 0.05}), loss=Trace_ELBO(num_particles=2))
    for step in range(8):
        print(step, round(inference.step(x, 1.5 * x + 0.1 * torch.randn(20)), 3))
    samples = Predictive(_line, guide=guide, num_samples=3)(x[:4])
    print({name: value.shape for name, value in samples.items()}, samples["slope"].flatten())


def hamiltonian_sampling():
    x = torch.linspace(-1, 1, 10)
    y = 1.5 * x + 0.1 * torch.randn(10)
    chain = MCMC(
        NUTS(_line, jit_compile=False), num_samples=3, warmup_steps=2, disable_progbar=True
    )
    chain.run(x, y)
    print({name: value.round(decimals=3) for name, value in chain.get_samples().items()})


run_programs()
