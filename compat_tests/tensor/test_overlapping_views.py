"""Writes through views of which several elements are one place in memory."""

from __future__ import annotations

import pytest

REFUSED = (
    "unsupported operation: more than one element of the written-to tensor refers to a single "
    "memory location. Please clone() the tensor before performing the operation."
)

# Of each: what makes ``a`` and its view ``e``, the write, and what both hold afterwards.
WRITES = [
    (
        "a = t.zeros(3); e = a.expand(2, 3)",
        "e[1] += 1",
        [1.0, 1.0, 1.0],
        [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]],
    ),
    (
        "a = t.zeros(3); e = a.expand(2, 3)",
        "e[1, 1] = 5",
        [0.0, 5.0, 0.0],
        [[0.0, 5.0, 0.0], [0.0, 5.0, 0.0]],
    ),
    (
        "a = t.zeros(3); e = a.expand(2, 3)",
        "e[t.tensor([True, False])] = 4.",
        [4.0, 4.0, 4.0],
        [[4.0, 4.0, 4.0], [4.0, 4.0, 4.0]],
    ),
    (
        "a = t.zeros(3); e = a.expand(2, 3)",
        "e[[0, 1]] = t.tensor([[1., 2, 3], [4, 5, 6]])",
        [4.0, 5.0, 6.0],
        [[4.0, 5.0, 6.0], [4.0, 5.0, 6.0]],
    ),
    (
        "a = t.zeros(1); e = a.expand(4)",
        "e[3] = 7",
        [7.0],
        [7.0, 7.0, 7.0, 7.0],
    ),
    (
        "a = t.zeros(3); e = a.expand(3, 3)",
        "e.diagonal().add_(t.arange(3.))",
        [0.0, 1.0, 2.0],
        [[0.0, 1.0, 2.0], [0.0, 1.0, 2.0], [0.0, 1.0, 2.0]],
    ),
    (
        "a = t.arange(4.); e = a.unfold(0, 2, 1)",
        "e[1].add_(1)",
        [0.0, 2.0, 3.0, 3.0],
        [[0.0, 2.0], [2.0, 3.0], [3.0, 3.0]],
    ),
    (
        "a = t.arange(4.); e = a.unfold(0, 2, 1)",
        "e[[0, 1]] = t.tensor([[5., 6], [7, 8]])",
        [5.0, 7.0, 8.0, 3.0],
        [[5.0, 7.0], [7.0, 8.0], [8.0, 3.0]],
    ),
    (
        "a = t.arange(6.); e = a.as_strided((3, 3), (1, 1))",
        "e[0] += 1",
        [1.0, 2.0, 3.0, 3.0, 4.0, 5.0],
        [[1.0, 2.0, 3.0], [2.0, 3.0, 3.0], [3.0, 3.0, 4.0]],
    ),
    (
        "a = t.arange(6.); e = a.as_strided((3, 3), (1, 1))",
        "e.copy_(t.arange(9.).view(3, 3))",
        [0.0, 3.0, 6.0, 7.0, 8.0, 5.0],
        [[0.0, 3.0, 6.0], [3.0, 6.0, 7.0], [6.0, 7.0, 8.0]],
    ),
    (
        "a = t.arange(6.); e = a.as_strided((3, 3), (1, 1))",
        "e.index_add_(0, t.tensor([1]), t.ones(1, 3))",
        [0.0, 2.0, 3.0, 4.0, 4.0, 5.0],
        [[0.0, 2.0, 3.0], [2.0, 3.0, 4.0], [3.0, 4.0, 4.0]],
    ),
    (
        "a = t.arange(6.); e = a.as_strided((3, 3), (1, 1))",
        "e.scatter_(0, t.tensor([[1, 2, 0]]), 9.)",
        [0.0, 9.0, 9.0, 9.0, 4.0, 5.0],
        [[0.0, 9.0, 9.0], [9.0, 9.0, 9.0], [9.0, 9.0, 4.0]],
    ),
    (
        "a = t.zeros(3); e = a.expand(2, 3).t()",
        "e[1, 0] += 1",
        [0.0, 1.0, 0.0],
        [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]],
    ),
    (
        "a = t.arange(3.); e, _ = t.meshgrid(a, t.arange(2.), indexing='ij')",
        "e[1, 1] = 9",
        [0.0, 9.0, 2.0],
        [[0.0, 0.0], [9.0, 9.0], [2.0, 2.0]],
    ),
]


@pytest.mark.filterwarnings("ignore:Use of")
@pytest.mark.parametrize(("make", "write", "memory", "view"), WRITES)
def test_a_write_reaches_the_one_memory(torch, make, write, memory, view):
    scope = {"t": torch}
    exec(f"{make}\n{write}", scope)
    assert scope["a"].tolist() == memory
    assert scope["e"].tolist() == view
    assert scope["a"]._version == scope["e"]._version > 0


@pytest.mark.parametrize(
    "write", ["e.add_(1)", "e.relu_()", "e.mul_(e)", "e[0:2] += 1", "e[:, 1] = 5", "e.t()[1] += 1"]
)
def test_a_write_to_every_copy_at_once_is_refused(torch, write):
    scope = {"e": torch.zeros(3).expand(2, 3)}
    with pytest.raises(RuntimeError) as caught:
        exec(write, scope)
    assert str(caught.value) == REFUSED


def test_gradients_flow_through_a_write_to_one_of_several_copies(torch):
    w = torch.ones(3, requires_grad=True)
    a = w * 2
    e = a.expand(2, 3)
    e[1] *= 3
    e.sum().backward()
    assert w.grad.tolist() == [12.0, 12.0, 12.0]
    assert e.grad_fn.name() == "AsStridedBackward0"
    assert a.grad_fn.name() == "torch::autograd::CopySlices"
