"""Functions of lists of tensors."""

from __future__ import annotations

import pytest

import jtorch as torch


def _lists() -> tuple[list, list]:
    return [torch.tensor([1.0, 4.0]), torch.tensor([[9.0]])], [torch.ones(2), torch.ones(1, 1)]


def test_new_tensors() -> None:
    a, b = _lists()
    assert [t.tolist() for t in torch._foreach_sqrt(a)] == [[1.0, 2.0], [[3.0]]]
    assert [t.tolist() for t in torch._foreach_add(a, b, alpha=2)] == [[3.0, 6.0], [[11.0]]]
    assert [t.tolist() for t in torch._foreach_mul(a, [2.0, 3.0])] == [[2.0, 8.0], [[27.0]]]
    assert [t.tolist() for t in torch._foreach_clamp_max(a, 5.0)] == [[1.0, 4.0], [[5.0]]]
    assert [t.tolist() for t in torch._foreach_pow(2.0, b)] == [[2.0, 2.0], [[2.0]]]
    assert [t.tolist() for t in torch._foreach_addcdiv(a, a, b, [1.0, 2.0])] == [
        [2.0, 8.0],
        [[27.0]],
    ]
    assert isinstance(torch._foreach_neg(a), tuple)


def test_in_place() -> None:
    a, b = _lists()
    view = a[0][:1]
    version = a[1]._version
    assert torch._foreach_mul_(a, torch.tensor(2.0)) is a
    torch._foreach_add_(a, b, alpha=-1)
    torch._foreach_lerp_(a, b, 0.5)
    assert [t.tolist() for t in a] == [[1.0, 4.0], [[9.0]]] and view.tolist() == [1.0]
    assert a[1]._version == version + 3
    torch._foreach_zero_(a)
    assert [t.tolist() for t in a] == [[0.0, 0.0], [[0.0]]]
    torch._foreach_copy_(a, b)
    assert a[0].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("order", "expected"), [(2, [5.0, 2.0]), (1, [7.0, 2.0]), (float("inf"), [4.0, 2.0])]
)
def test_norms(order: float, expected: list[float]) -> None:
    tensors = [torch.tensor([3.0, -4.0], requires_grad=True), torch.tensor([[2.0]])]
    norms = torch._foreach_norm(tensors, order)
    assert [norm.item() for norm in norms] == expected
    with torch.no_grad():
        assert [norm.item() for norm in torch._foreach_norm(tensors, order)] == expected


def test_gradients() -> None:
    x = torch.ones(2, requires_grad=True)
    (product,) = torch._foreach_mul([x], 3.0)
    product.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        torch._foreach_mul_([x], 2.0)


def test_refusals() -> None:
    a, b = _lists()
    with pytest.raises(RuntimeError, match="must have at least one tensor"):
        torch._foreach_add([], 1)
    with pytest.raises(RuntimeError, match="same number of tensors, got 2 and 1"):
        torch._foreach_add(a, b[:1])
    with pytest.raises(RuntimeError, match="same number of elements as scalar list"):
        torch._foreach_mul(a, [1.0])
    with pytest.raises(RuntimeError, match="expected to be 0 dim"):
        torch._foreach_mul_(a, torch.ones(2))
