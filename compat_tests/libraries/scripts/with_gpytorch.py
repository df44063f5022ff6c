"""gpytorch: Gaussian processes."""

import math

import gpytorch
import torch
from programs import run_programs


class Exact(gpytorch.models.ExactGP):
    def __init__(self, x, y, likelihood):
        super().__init__(x, y, likelihood)
        self.mean = gpytorch.means.ConstantMean()
        self.kernel = gpytorch.kernels.ScaleKernel(gpytorch.kernels.RBFKernel())

    def forward(self, x):
        return gpytorch.distributions.MultivariateNormal(self.mean(x), self.kernel(x))


class Sparse(gpytorch.models.ApproximateGP):
    def __init__(self, points):
        distribution = gpytorch.variational.CholeskyVariationalDistribution(len(points))
        super().__init__(gpytorch.variational.VariationalStrategy(self, points, distribution))
        self.mean = gpytorch.means.ZeroMean()
        self.kernel = gpytorch.kernels.ScaleKernel(gpytorch.kernels.MaternKernel(nu=2.5))

    def forward(self, x):
        return gpytorch.distributions.MultivariateNormal(self.mean(x), self.kernel(x))


def _data():
    x = torch.linspace(0, 1, 30)
    return x, torch.sin(x * 2 * math.pi) + torch.randn(30) * 0.1


def regression():
    x, y = _data()
    likelihood = gpytorch.likelihoods.GaussianLikelihood()
    model = Exact(x, y, likelihood).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    evidence = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)
    for step in range(5):
        optimizer.zero_grad()
        loss = -evidence(model(x), y)
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))
    model.eval()
    with torch.no_grad():
        print(likelihood(model(torch.linspace(0, 1, 5))).mean)


def classification():
    x, y = _data()
    y = (y > 0).float()
    model = Sparse(x[::6].clone())
    likelihood = gpytorch.likelihoods.BernoulliLikelihood()
    optimizer = torch.optim.Adam([*model.parameters(), *likelihood.parameters()], lr=0.1)
    bound = gpytorch.mlls.VariationalELBO(likelihood, model, num_data=len(x))
    for step in range(5):
        optimizer.zero_grad()
        loss = -bound(model(x), y)
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))
    model.eval()
    print(likelihood(model(x[::10])).mean.detach(), sorted(model.state_dict()))


run_programs()
