"""geoopt: optimisation on manifolds."""

import geoopt
import torch
from programs import run_programs


def spheres():
    sphere = geoopt.Sphere()
    point = geoopt.ManifoldParameter(sphere.projx(torch.randn(4, 3)), manifold=sphere)
    target = torch.nn.functional.normalize(torch.randn(4, 3), dim=-1)
    optimizer = geoopt.optim.RiemannianAdam([point], lr=0.1)
    for step in range(4):
        optimizer.zero_grad()
        loss = (point - target).square().sum()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))
    print(point, point.norm(dim=-1))


def poincare_ball():
    ball = geoopt.PoincareBall(c=1.0)
    x = ball.projx(torch.randn(3, 2))
    y = ball.projx(torch.randn(3, 2) * 0.3)
    print(ball.dist(x, y), ball.mobius_add(x, y), ball.expmap(y, torch.ones(3, 2) * 0.1))
    stiefel = geoopt.ManifoldParameter(torch.eye(4)[:, :2].clone(), manifold=geoopt.Stiefel())
    optimizer = geoopt.optim.RiemannianSGD([stiefel], lr=0.1, momentum=0.9)
    for _ in range(3):
        optimizer.zero_grad()
        (stiefel * torch.randn(4, 2)).sum().backward()
        optimizer.step()
    print(stiefel, torch.allclose(stiefel.T @ stiefel, torch.eye(2), atol=1e-5))


run_programs()
