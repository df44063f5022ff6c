"""Masked reductions and normalisations, as PyTorch 2.13 has them."""

from __future__ import annotations

import math

import pytest

INF, NAN = math.inf, math.nan
#: (operation, its values along dimension 1, the second row of which is masked out).
VALUES = [
    ("sum", [4.0, 0.0]),
    ("prod", [3.0, 1.0]),
    ("amax", [3.0, -INF]),
    ("amin", [1.0, INF]),
    ("argmax", [2.0, 0.0]),
    ("argmin", [0.0, 0.0]),
    ("mean", [2.0, NAN]),
    ("median", [1.0, NAN]),
    ("logsumexp", [3.126928, -INF]),
    ("norm", [3.162278, 0.0]),
    ("var", [2.0, NAN]),
    ("std", [1.414214, NAN]),
    ("cumsum", [1.0, 1.0, 4.0, 0.0, 0.0, 0.0]),
    ("cumprod", [1.0, 1.0, 3.0, 1.0, 1.0, 1.0]),
    ("softmax", [0.1192029, 0.0, 0.880797, NAN, NAN, NAN]),
    ("log_softmax", [-2.126928, -INF, -0.126928, NAN, NAN, NAN]),
    ("softmin", [0.880797, 0.0, 0.1192029, NAN, NAN, NAN]),
]  # fmt: skip


def _input(torch):
    return (
        torch.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]]),
        torch.tensor([[True, False, True], [False, False, False]]),
    )


@pytest.mark.parametrize(("name", "expected"), VALUES)
def test_values(name, expected):
    import jtorch as torch

    values, mask = _input(torch)
    result = getattr(torch.masked, name)(values, dim=1, mask=mask)
    assert result.flatten().tolist() == [
        pytest.approx(each, rel=1e-5, nan_ok=True) for each in expected
    ]


def test_masks_broadcast_and_dims_may_be_several():
    import jtorch as torch

    values, _ = _input(torch)
    column = torch.tensor([[True], [False]])
    assert torch.masked.sum(values, (0, 1), mask=column).item() == 2.0
    assert torch.masked.amax(values, mask=column, keepdim=True).tolist() == [[3.0]]
    assert torch.masked.sum(values.to(torch.uint8).clamp(0, 9)).dtype is torch.int64
    with pytest.raises(IndexError, match="got mask dimensionality higher than of the input"):
        torch.masked.sum(values[0], mask=column)
    with pytest.raises(RuntimeError, match="dim=0 appears multiple times in the list of dims"):
        torch.masked.sum(values, (0, 0))


def test_logaddexp_leaves_out_by_two_masks():
    import jtorch as torch

    result = torch.masked.logaddexp(
        torch.tensor([-100.0, -200, -300]), torch.tensor([-1.0, -2, -3]),
        input_mask=torch.tensor([True, False, True]), other_mask=torch.tensor([True, False, True]),
    )  # fmt: skip
    assert result.tolist() == [-1.0, -INF, -3.0]


def test_gradient_of_a_masked_mean_flows_to_what_is_left():
    import jtorch as torch

    values, mask = _input(torch)
    values.requires_grad_()
    torch.masked.mean(values, 1, mask=mask)[0].backward()
    assert values.grad[0].tolist() == [0.5, 0.0, 0.5]


def test_masked_tensors_are_refused():
    import jtorch as torch

    values, mask = _input(torch)
    for make in (
        torch.masked.masked_tensor,
        torch.masked.as_masked_tensor,
        torch.masked.MaskedTensor,
    ):
        with pytest.raises(NotImplementedError, match="jtorch has no masked tensors"):
            make(values, mask)
    assert not torch.masked.is_masked_tensor(values)
