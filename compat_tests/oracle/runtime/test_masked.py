"""Masked operations held against PyTorch, over dtypes, dimensions and masks."""

from __future__ import annotations

import pytest

REDUCTIONS = ("sum", "prod", "amax", "amin", "mean", "logsumexp", "norm", "var", "std")
ALONG = ("argmax", "argmin", "median")
NORMALISATIONS = ("softmax", "log_softmax", "softmin", "cumsum", "cumprod")
MASKS = (None, "whole", "row", "column", "nothing")


def _operands(torch, dtype, mask):
    values = (torch.arange(24).reshape(2, 3, 4) * 7 % 11 - 3).to(getattr(torch, dtype))
    whole = torch.arange(24).reshape(2, 3, 4) % 3 != 0
    return values, {
        None: None,
        "whole": whole,
        "row": whole[0, 0],
        "column": whole[:, :, :1],
        "nothing": torch.zeros(4, dtype=torch.bool),
    }[mask]


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *((name, "float32") for name in REDUCTIONS),
        *((name, dtype) for name in ("sum", "prod", "amax") for dtype in ("int64", "uint8")),
    ],
)
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("dim", [None, 1, (0, -1), ()], ids=str)
def test_reductions(both, name, dtype, mask, dim):
    def program(torch):
        values, chosen = _operands(torch, dtype, mask)
        operation = getattr(torch.masked, name)
        return [operation(values, dim=dim, keepdim=kept, mask=chosen) for kept in (False, True)]

    both(program, relative=1e-5)


@pytest.mark.parametrize("name", [*ALONG, *NORMALISATIONS])
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("dim", [0, -1, 5])
def test_along_one_dimension(both, name, mask, dim):
    def program(torch):
        values, chosen = _operands(torch, "float32", mask)
        return getattr(torch.masked, name)(values, dim=dim, mask=chosen)

    both(program, relative=1e-5)


@pytest.mark.parametrize("mask", MASKS)
def test_normalize(both, mask):
    def program(torch):
        values, chosen = _operands(torch, "float32", mask)
        return torch.masked.normalize(values, 2.0, 1, mask=chosen)

    both(program, relative=1e-5)


@pytest.mark.parametrize(
    "call",
    [
        lambda t, v: t.masked.mean(v.long()),
        lambda t, v: t.masked.mean(v, dtype=t.int64),
        lambda t, v: t.masked.sum(v[0], mask=v > 0),
        lambda t, v: t.masked.sum(v, (0, 0)),
        lambda t, v: t.masked.var(v, unbiased=True, correction=1),
        lambda t, v: t.masked.amax(v.bool(), mask=v > 0),
        lambda t, v: t.masked.median(v.long(), 1, mask=v > 100),
    ],
)
def test_refusals(both, call):
    both(lambda torch: call(torch, _operands(torch, "float32", None)[0]))
