"""PyTorch's operator database: gradients of the samples of COO and CSR, each right or listed.

Where PyTorch has a gradient, jtorch has the same. PyTorch refuses many for want of a kernel; there
the gradient of a function of single elements is held against that of the dense function, at the
leaf's own elements.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .test_database import ENTRIES, converted, samples_of

#: What differs, by operator, with the reason. ``layout``: of the gradient; ``elements``: how many.
DIFFERENT = {
    "sum": (
        "layout",
        "PyTorch spreads one number over a dense gradient; here it has the leaf's own",
    ),
    **dict.fromkeys(
        ("angle", "ceil", "floor", "round", "sign", "trunc"),
        ("elements", "PyTorch's gradient that is 0 everywhere has no elements, ours has zeros"),
    ),
}
LAYOUTS = ("sparse_coo", "sparse_csr")
MOST = 6
CASES = [case for case in ENTRIES if case[1] in LAYOUTS]


def _is_real(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor) and value.is_floating_point()


def _dense(value: Any) -> Any:
    return value if str(value.layout) == "torch.strided" else value.to_dense()


def _gradients(lib: Any, function: Callable, sample: Any, convert: Callable) -> list[Any] | None:
    """Return the gradients of what an operator takes; None where its result has none."""
    places = [place for place, each in enumerate(sample.args) if _is_real(each)]
    leaves = [convert(each) for each in (sample.input, *[sample.args[p] for p in places])]
    leaves = [each.detach().clone().requires_grad_() for each in leaves]
    args = list(map(convert, sample.args))
    for place, leaf in zip(places, leaves[1:], strict=True):
        args[place] = leaf
    result = function(leaves[0], *args, **convert(sample.kwargs))
    if not isinstance(result, lib.Tensor) or not result.requires_grad:
        return None
    whole = _dense(result)
    weights = lib.linspace(0.5, 1.5, max(whole.numel(), 1), dtype=whole.dtype)[: whole.numel()]
    (whole * weights.reshape(tuple(whole.shape))).sum().backward()
    return [leaf.grad for leaf in leaves]


def _difference(expected: Any, found: Any) -> dict[str, str]:
    if expected is None or found is None:
        return {} if expected is found else {"presence": f"{found} for {expected}"}
    wrong = {}
    if str(expected.layout) != str(found.layout):
        wrong["layout"] = f"{found.layout} for {expected.layout}"
    elif str(expected.layout) != "torch.strided" and expected._nnz() != found._nnz():
        wrong["elements"] = f"{found._nnz()} for {expected._nnz()}"
    one, two = _dense(expected).numpy(), _dense(found).numpy()
    if one.shape != two.shape or not np.allclose(one, two, rtol=1e-4, atol=1e-5, equal_nan=True):
        wrong["values"] = f"{two} for {one}"
    return wrong


def _samples(entry: Any, layout: str) -> list[Any]:
    import torch

    torch.manual_seed(0)  # samples are random
    return [sample for sample in samples_of(entry, layout) if _is_real(sample.input)][:MOST]


def _function(name: str) -> Callable:
    import jtorch

    function: Any = jtorch
    for part in name.split("."):
        function = getattr(function, part, None)
    return function or getattr(jtorch.Tensor, name)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "layout"), CASES, ids=str)
def test_gradients_are_pytorchs(name: str, layout: str) -> None:
    import torch

    import jtorch

    entry, wrong, count = ENTRIES[name, layout], {}, 0
    for sample in _samples(entry, layout):
        try:
            expected = _gradients(torch, entry.op, sample, lambda value: value)
        except (RuntimeError, NotImplementedError, ValueError, IndexError):
            continue  # PyTorch has none
        if expected is None:
            continue
        count += 1
        found = _gradients(jtorch, _function(name), sample, converted)
        assert found is not None
        for one, two in zip(expected, found, strict=True):
            wrong |= _difference(one, two)
    known = {DIFFERENT[name][0]} if name in DIFFERENT and count else set()
    assert set(wrong) == known, wrong


def _held(sparse: Any) -> np.ndarray:
    """Return where a sparse tensor has elements of its own."""
    import torch

    if sparse.layout is torch.sparse_coo:
        ones = torch.ones_like(sparse._values())
        return torch.sparse_coo_tensor(sparse._indices(), ones, sparse.shape).to_dense().numpy() > 0
    return torch.ones_like(sparse).to_dense().numpy() > 0


ELEMENTWISE = [case for case in CASES if type(ENTRIES[case]).__name__ == "UnaryUfuncInfo"]


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "layout"), ELEMENTWISE, ids=str)
def test_a_leafs_gradient_is_at_its_own_elements(name: str, layout: str) -> None:
    import torch

    entry = ENTRIES[name, layout]
    for sample in _samples(entry, layout):
        if name.startswith("is") or name in ("signbit", "sgn", "abs", "angle"):
            continue  # without a gradient, or with one that is undefined at a stored 0
        leaf = converted(sample.input).detach().clone().requires_grad_()
        result = _function(name)(leaf, *converted(sample.args), **converted(sample.kwargs))
        _dense(result).sum().backward()
        gradient = leaf.grad
        assert str(gradient.layout) == str(sample.input.layout)
        dense = _dense(sample.input).requires_grad_()
        (slope,) = torch.autograd.grad(entry.op(dense, *sample.args, **sample.kwargs).sum(), dense)
        wanted = np.where(_held(sample.input), slope.numpy(), 0.0)
        np.testing.assert_allclose(_dense(gradient).numpy(), wanted, rtol=2e-4, atol=1e-5)


@pytest.mark.oracle
def test_there_are_many() -> None:
    assert len(CASES) > 80 and len(ELEMENTWISE) > 40
