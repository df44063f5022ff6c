"""Reductions, sorting, products, joining and losses against PyTorch, with their gradients."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

_RANDOM = np.random.default_rng(0)


def _numbers(*shape: int) -> list:
    return _RANDOM.standard_normal(shape).round(2).tolist()


_TIES = [[1.0, 3.0, 3.0, 0.0], [2.0, 2.0, 2.0, 2.0], [-1.0, 0.0, 5.0, 5.0]]
_NAN = [[1.0, float("nan"), 0.5], [2.0, -1.0, 0.0]]
_INTS = [[1, 2, 2], [0, -3, 5]]

#: (data, dtype, whether to transpose)
INPUTS = {
    "float32": (_numbers(3, 4), "float32", False),
    "transposed": (_numbers(3, 4), "float64", True),
    "rank3": (_numbers(2, 3, 4), "float32", False),
    "scalar": (1.5, "float32", False),
    "ties": (_TIES, "float32", False),
    "nan": (_NAN, "float32", False),
    "int64": (_INTS, "int64", False),
    "bool": ([[True, False], [True, True]], "bool", False),
}

REDUCTIONS = [
    "x.sum()", "x.sum(0)", "x.sum((0, -1), keepdim=True)", "x.sum(dtype=torch.float64)",
    "x.mean()", "x.mean(-1)", "x.prod()", "x.prod(0)", "x.var()", "x.std(0)",
    "x.var(0, unbiased=False)", "x.std(dim=0, correction=0, keepdim=True)",
    "torch.std_mean(x, 0)", "x.all()", "x.any(0)", "torch.count_nonzero(x, dim=0)",
    "torch.nansum(x)", "torch.nanmean(x, 0)",
    "x.max()", "x.max(0)", "x.min(-1, True)", "x.amax(0)", "x.amin()", "x.argmax()",
    "x.argmin(0)", "torch.aminmax(x)", "x.median()", "x.median(0)", "torch.nanmedian(x)",
    "x.norm()", "x.norm(1, 0)", "torch.norm(x, 3)", "torch.norm(x, float('inf'), dim=0)",
    "(x * 0).norm()", "x.logsumexp(0)", "x.softmax(0)", "torch.log_softmax(x, -1)",
    "x.cumsum(0)", "x.cumprod(-1)", "x.cummax(0)", "torch.cummin(x, -1)", "x.diff(dim=0)",
    "x.sort()", "x.sort(0, True)", "x.argsort(descending=True)", "torch.msort(x)",
    "x.sum(7)", "x.sum((0, 0))", "x.max(7)", "x.softmax(7)", "x.sum('a')",
]  # fmt: skip

PRODUCTS = {
    "x @ y": ((2, 3), (3, 4)),
    "torch.mv(x, y)": ((2, 3), (3,)),
    "torch.dot(x, y)": ((3,), (3,)),
    "x @ y ": ((3,), (3, 2)),
    "x @ y  ": ((2, 3, 4), (2, 4, 3)),
    "x @ y   ": ((2, 3, 4), (4, 3)),
    "x @ y    ": ((4,), (2, 4, 3)),
    "torch.mm(x, y)": ((2, 3), (2, 3)),
    "torch.bmm(x, y)": ((2, 3, 4), (2, 4, 2)),
    "torch.outer(x, y)": ((3,), (2,)),
    "torch.inner(x, y)": ((2, 3), (4, 3)),
    "torch.kron(x, y)": ((2, 3), (2, 2)),
    "torch.tensordot(x, y, 1)": ((2, 3), (3, 4)),
    "torch.einsum('ij->ji', x)": ((2, 3), (1,)),
    "F.linear(x, y)": ((4, 3), (2, 3)),
    "F.linear(x, y, y[:, 0])": ((4, 3), (2, 3)),
    "F.linear(x, y, y[:, 0]) ": ((2, 4, 3), (2, 3)),
    "torch.addmm(y, x, x.t(), beta=2, alpha=3)": ((3, 4), (3, 3)),
    "torch.cat([x, y])": ((2, 3), (4, 3)),
    "torch.cat([x, y]) ": ((2, 3), (4, 2)),
    "torch.stack([x, y], -1)": ((2, 3), (2, 3)),
    "torch.hstack([x, y])": ((2, 3), (2, 1)),
    "torch.vstack([x, y])": ((3,), (3,)),
    "torch.block_diag(x, y)": ((2, 3), (3,)),
    "torch.meshgrid(x, y, indexing='xy')": ((3,), (2,)),
    "x.repeat(2, 1, 2)": ((2, 3), (1,)),
    "x.flip(0, 1)": ((2, 3), (1,)),
    "x.roll(1, 0)": ((2, 3), (1,)),
    "torch.rot90(x)": ((2, 3), (1,)),
    "x.tril(1)": ((3, 3), (1,)),
    "torch.diag(x)": ((3,), (1,)),
    "torch.diag(x, 1)": ((3, 3), (1,)),
    "F.mse_loss(x, y)": ((2, 3), (2, 3)),
    "F.l1_loss(x, y, reduction='sum')": ((2, 3), (2, 3)),
    "F.cross_entropy(x, y.softmax(1))": ((2, 3), (2, 3)),
    "F.cross_entropy(x, torch.tensor([0, 2]))": ((2, 3), (1,)),
    "F.cross_entropy(x, torch.tensor([0, -100]), label_smoothing=0.1)": ((2, 3), (1,)),
    "F.cross_entropy(x, torch.tensor([0, 3]))": ((2, 3), (1,)),
    "F.binary_cross_entropy_with_logits(x, y)": ((2, 3), (2, 3)),
}


def _run(torch, expression: str, tensors: dict, leaves: list):
    functional = importlib.import_module(f"{torch.__name__}.nn.functional")
    result = eval(expression, {"torch": torch, "F": functional}, tensors)
    total = None
    for each in result if isinstance(result, tuple) else (result,):
        if each.requires_grad:
            # The weights tell positions apart; the second power makes the cotangents differ.
            part = (each * each).sum() + each.sum()
            total = part if total is None else total + part
    if total is None:
        return result
    total.backward()
    return result, [leaf.grad for leaf in leaves]


def _reduction(torch, expression: str, name: str):
    data, dtype, transposed = INPUTS[name]
    x = torch.tensor(data, dtype=getattr(torch, dtype))
    leaves = [x] if x.dtype.is_floating_point else []
    for leaf in leaves:
        leaf.requires_grad_()
    return _run(torch, expression, {"x": x.t() if transposed else x}, leaves)


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("expression", REDUCTIONS)
def test_reduction(both, expression, name):
    if name == "scalar" and any(each in expression for each in ("var(", "std(", "std_mean(")):
        pytest.skip("PyTorch's warning names a line of its sources")
    both(_reduction, expression, name, relative=2e-5, absolute=1e-5, seed=None)


def _product(torch, expression: str, data: tuple):
    tensors = [torch.tensor(each, requires_grad=True) for each in data]
    used = [t for t, name in zip(tensors, "xy", strict=True) if name in expression]
    return _run(torch, expression, dict(zip("xy", tensors, strict=True)), used)


@pytest.mark.parametrize("expression", PRODUCTS)
def test_product(both, expression):
    data = tuple(_numbers(*shape) for shape in PRODUCTS[expression])
    both(_product, expression, data, relative=2e-5, absolute=1e-5, seed=None)
