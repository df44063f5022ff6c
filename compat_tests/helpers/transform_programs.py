"""Transforms of functions: what both libraries have to compute alike, by name."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any


def _loss(torch: ModuleType, model: Any) -> Any:
    def loss(parameters, x, y):
        return ((torch.func.functional_call(model, parameters, (x,)) - y) ** 2).mean()

    return loss


def programs(torch: ModuleType) -> dict[str, Any]:
    """Return the programs, functions without arguments."""
    func = importlib.import_module(f"{torch.__name__}.func")
    forward = importlib.import_module(f"{torch.__name__}.autograd.forward_ad")
    torch.manual_seed(0)
    x, y = torch.randn(3, 5), torch.randn(4, 5)
    w = torch.randn(5, requires_grad=True)
    scalar, vector = torch.tensor(0.5), torch.tensor([0.3, 0.2])
    model = torch.nn.Linear(5, 2)
    plain = {name: p.detach() for name, p in model.named_parameters()}
    models = [torch.nn.Linear(5, 2) for _ in range(3)]

    def dual(inner):
        with forward.dual_level():
            first = forward.make_dual(x[0], torch.ones(5))
            return inner(first)

    def ensemble():
        parameters, _ = func.stack_module_state(models)
        call = lambda p, v: func.functional_call(models[0], p, (v,))  # noqa: E731
        return torch.vmap(call, in_dims=(0, None))(parameters, x)

    return {
        "vmap": lambda: torch.vmap(torch.dot)(x, x),
        "one fixed": lambda: torch.vmap(torch.dot, in_dims=(None, 0))(x[0], y),
        "nested": lambda: torch.vmap(torch.vmap(torch.dot, (None, 0)), (0, None))(x, y),
        "in dicts": lambda: torch.vmap(lambda d: d["a"] + d["b"], in_dims=({"a": 0, "b": None},))(
            {"a": x, "b": x[0]}
        ),
        "out dims": lambda: torch.vmap(lambda v: (v, v.sum()), out_dims=(1, 0))(x),
        "in chunks": lambda: torch.vmap(lambda v: v.sum(), chunk_size=2)(x),
        "through it": lambda: torch.autograd.grad(
            torch.vmap(lambda v: (v * w).relu().sum())(x).sum(), w
        ),
        "looks": lambda: torch.vmap(lambda v: v.sum().item())(x),
        "draws": lambda: torch.vmap(lambda v: v + torch.rand(5))(x),
        "draws the same": lambda: torch.vmap(lambda v: v + torch.rand(5), randomness="same")(x),
        "returns a number": lambda: torch.vmap(lambda v: 3)(x),
        "wrong dim": lambda: torch.vmap(torch.sin, in_dims=7)(x),
        "wrong sizes": lambda: torch.vmap(torch.dot)(x, y),
        "no inputs": lambda: torch.vmap(torch.sin)(),
        "grad": lambda: func.grad(torch.sin)(scalar),
        "second": lambda: func.grad(func.grad(torch.sin))(scalar),
        "each sample's": lambda: torch.vmap(func.grad(lambda v: v.sin().sum()))(x),
        "each loss's": lambda: torch.vmap(func.grad(_loss(torch, model)), in_dims=(None, 0, 0))(
            plain, x, torch.ones(3, 2)
        ),
        "with the value": lambda: func.grad_and_value(
            lambda a, b: ((a * b).sum(), a), argnums=(0, 1), has_aux=True
        )(x[0], x[1]),
        "of no scalar": lambda: func.grad(lambda v: v * 2)(x),
        "jacrev": lambda: func.jacrev(torch.sin)(vector),
        "jacrev of several": lambda: func.jacrev(lambda a, b: (a * b, a.sum()), argnums=(0, 1))(
            vector, vector
        ),
        "jacfwd": lambda: func.jacfwd(lambda v: v.cumsum(0))(vector),
        "hessian": lambda: func.hessian(lambda v: v.sin().prod())(vector),
        "jvp": lambda: func.jvp(torch.sin, (vector,), (torch.ones(2),)),
        "vjp": lambda: func.vjp(torch.sin, vector)[1](torch.ones(2)),
        "linearize": lambda: func.linearize(torch.sin, scalar)[1](torch.tensor(1.0)),
        "ensemble": ensemble,
        "dual": lambda: tuple(dual(lambda d: forward.unpack_dual((d * d).exp()))),
        "dual itself": lambda: tuple(dual(forward.unpack_dual)),
        "no level": lambda: forward.make_dual(x, x),
    }


NAMES = (
    "vmap, one fixed, nested, in dicts, out dims, in chunks, through it, looks, draws, "
    "draws the same, returns a number, wrong dim, wrong sizes, no inputs, grad, second, "
    "each sample's, each loss's, with the value, of no scalar, jacrev, jacrev of several, jacfwd, "
    "hessian, jvp, vjp, linearize, ensemble, dual, dual itself, no level"
)
