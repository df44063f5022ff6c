"""Variational inference of a coin's fairness."""

import pyro
import pyro.distributions as dist
import torch
from pyro.infer import SVI, Trace_ELBO
from pyro.optim import Adam

pyro.set_rng_seed(0)
data = torch.tensor([1.0] * 6 + [0.0] * 4)


def model(data):
    fairness = pyro.sample("fairness", dist.Beta(10.0, 10.0))
    with pyro.plate("data", len(data)):
        pyro.sample("seen", dist.Bernoulli(fairness), obs=data)


def guide(data):
    positive = dist.constraints.positive
    a = pyro.param("a", torch.tensor(15.0), constraint=positive)
    b = pyro.param("b", torch.tensor(15.0), constraint=positive)
    pyro.sample("fairness", dist.Beta(a, b))


inference = SVI(model, guide, Adam({"lr": 0.005}), loss=Trace_ELBO())
for step in range(10):
    print(step, round(inference.step(data), 4))
print(round(pyro.param("a").item(), 4), round(pyro.param("b").item(), 4))
