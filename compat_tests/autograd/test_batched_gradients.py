"""``autograd.grad(is_grads_batched=True)``; figures and words are PyTorch 2.13's."""

from __future__ import annotations

import pytest

import jtorch as torch


def test_a_jacobian_by_rows() -> None:
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (rows,) = torch.autograd.grad(x**2, x, torch.eye(3), is_grads_batched=True)
    assert rows.tolist() == [[2, 0, 0], [0, 4, 0], [0, 0, 6]]


def test_several_outputs_and_inputs() -> None:
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    z = torch.tensor(1.0, requires_grad=True)
    w = torch.tensor(1.0, requires_grad=True)
    found = torch.autograd.grad(
        [x * 2 * z, x.sum()], [x, z, w], [torch.eye(3)[:2], torch.ones(2)],
        is_grads_batched=True, allow_unused=True,
    )  # fmt: skip
    assert found[0].tolist() == [[3, 1, 1], [1, 3, 1]] and found[1].tolist() == [2, 4]
    assert found[2] is None


def test_rows_can_be_differentiated_again() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (rows,) = torch.autograd.grad(x**3, x, torch.eye(2), is_grads_batched=True, create_graph=True)
    (again,) = torch.autograd.grad(rows.sum(), x)
    assert again.tolist() == [6, 12]


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda x: (x, torch.ones(3)), RuntimeError, r"grad_output\[0\] has a shape of torch.Size"),
        (lambda x: (x, torch.ones(2, 4)), RuntimeError, "If `is_grads_batched=True`, we interpret"),
        (lambda x: ([x, x], [torch.eye(3), torch.eye(3)[:2]]), ValueError, r"got sizes \[3, 2\]"),
        (lambda x: (x.sum(), torch.tensor(1.0)), ValueError, "dimensionality 0 so expected in_dim"),
    ],
)
def test_what_is_refused(make, error, words) -> None:
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    outputs, cotangents = make(x * 2)
    with pytest.raises(error, match=words):
        torch.autograd.grad(outputs, x, cotangents, is_grads_batched=True)
