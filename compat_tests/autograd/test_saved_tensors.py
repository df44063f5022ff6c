"""A saved tensor is what its memory holds when the gradient is computed, under a version check."""

from __future__ import annotations

import re

import numpy as np
import pytest

MODIFIED = (
    "one of the variables needed for gradient computation has been modified by an inplace "
    "operation: [torch.FloatTensor [2]] is at version 1; expected version 0 instead. Hint: enable "
    "anomaly detection to find the operation that failed to compute its gradient, with "
    "torch.autograd.set_detect_anomaly(True, check_nan=False)."
)


def look_at(tensor):
    """End the trace under way, so that the gradient is that of a closed stretch."""
    tensor.tolist()


def leave_alone(tensor):
    """Let the gradient be recorded with the forward pass."""


@pytest.fixture(params=[leave_alone, look_at])
def between(request):
    return request.param


# What is written between the two passes, and the gradient of ``(a * a).sum()`` afterwards.
LEAF_WRITES = [
    ("a.data.add_(1)", [4.0, 6.0]),
    ("a.data.clamp_(max=1.5)", [2.0, 3.0]),
    ("a.data[0] = 7", [14.0, 4.0]),
    ("a.data = t.tensor([5., 6.])", [10.0, 12.0]),
    ("a.data = t.tensor([5., 6.]); a.data.add_(1)", [12.0, 14.0]),
    ("a.detach().data.mul_(3)", [6.0, 12.0]),
    ("a.detach().numpy()[0] = 9", [18.0, 4.0]),
    ("a.data.view(2, 1)[1] = 5", [2.0, 10.0]),
]


@pytest.mark.parametrize(("write", "gradient"), LEAF_WRITES)
def test_a_leaf_is_what_was_written_without_being_counted(torch, between, write, gradient):
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = (a * a).sum()
    between(loss)
    exec(write, {"a": a, "t": torch})
    loss.backward()
    assert a.grad.tolist() == gradient
    assert a._version == 0


@pytest.mark.parametrize(
    ("write", "gradient"),
    [
        ("b.data.zero_()", [0.0, 0.0]),
        ("b.view(2, 1).data.mul_(3)", [24.0, 48.0]),
        ("b.data = t.full((2,), 5.)", [20.0, 20.0]),
    ],
)
def test_a_result_too(torch, between, write, gradient):
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    b = a * 2
    loss = (b * b).sum()
    between(loss)
    exec(write, {"b": b, "t": torch})
    assert b.grad_fn.name() == "MulBackward0"
    loss.backward()
    assert a.grad.tolist() == gradient


def test_a_result_that_its_own_operator_saved(torch, between):
    a = torch.tensor([0.0, 0.0], requires_grad=True)
    b = a.exp()
    loss = (b * 3).sum()
    between(loss)
    b.data[0] = 0.5
    loss.backward()
    assert a.grad.tolist() == [1.5, 3.0]


def test_views_of_memory_that_was_written_to(torch, between):
    a = torch.tensor([1.0, 2.0])
    view = a[:1]
    between(view)
    w = torch.ones(2, requires_grad=True)
    loss = (view * w).sum()
    between(loss)
    a.data.add_(1)
    loss.backward()
    assert w.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    "views",
    [
        "w.chunk(2)",
        "w.split([2, 2])",
        "w.view(2, 2).unbind()",
        "[rows[0] for rows in w.view(2, 2).chunk(2)]",
    ],
)
@pytest.mark.parametrize("write", ["w.data[3] = 50", "array[3] = 50"])
def test_each_of_several_views_is_read_again_for_itself(torch, between, views, write):
    array = np.array([1.0, 2.0, 3.0, 4.0])
    w = torch.from_numpy(array).detach().requires_grad_(True)
    one, other = (torch.ones(2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    first, second = eval(views, {"w": w})
    loss = (one * first + other**2 * second).sum()
    between(loss)
    exec(write, {"w": w, "array": array})
    gradients = torch.autograd.grad(loss, [one, other, w], create_graph=True)
    assert [each.tolist() for each in gradients] == [[1, 2], [6, 100], [1, 1, 1, 1]]
    assert torch.autograd.grad(gradients[1].sum(), other)[0].tolist() == [6, 100]


def test_data_has_a_version_counter_of_its_own(torch, between):
    a = torch.tensor([1.0, 2.0])
    data = a.data
    w = torch.ones(2, requires_grad=True)
    loss = (data * w).sum()
    between(loss)
    a.add_(1)
    loss.backward(retain_graph=True)
    assert w.grad.tolist() == [2.0, 3.0]
    data.add_(1)
    with pytest.raises(RuntimeError) as caught:
        loss.backward()
    assert str(caught.value) == MODIFIED


def test_memory_of_numpy(torch, between):
    array = np.array([1.0, 2.0], dtype=np.float32)
    w = torch.ones(2, requires_grad=True)
    loss = (torch.from_numpy(array) * w).sum()
    between(loss)
    array[0] = 9
    loss.backward()
    assert w.grad.tolist() == [9.0, 2.0]


@pytest.mark.parametrize(
    "write",
    [
        "a.add_(1)",
        "a.data.add_(1); a.add_(1)",
        "a.data = t.tensor([4., 4.]); a.add_(1)",
        "a.detach().add_(1)",
        "a[:1].add_(1)",
        "a.set_(t.tensor([7., 8.]))",
    ],
)
def test_a_write_that_was_counted_is_an_error(torch, between, write):
    a = torch.tensor([1.0, 2.0])
    w = torch.ones(2, requires_grad=True)
    loss = (a * w).sum()
    between(loss)
    exec(write, {"a": a, "t": torch})
    with pytest.raises(RuntimeError) as caught:
        loss.backward()
    assert str(caught.value) == MODIFIED


def test_each_pass_over_a_retained_graph_looks_again(torch, between):
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = (a * a).sum()
    between(loss)
    a.data.copy_(torch.tensor([3.0, 4.0]))
    loss.backward(retain_graph=True)
    a.data.copy_(torch.tensor([5.0, 6.0]))
    loss.backward()
    assert a.grad.tolist() == [16.0, 20.0]


def test_second_gradients_are_those_of_the_new_elements(torch, between):
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = (a**3).sum()
    between(loss)
    a.data.add_(1)
    (gradient,) = torch.autograd.grad(loss, a, create_graph=True)
    gradient.sum().backward()
    assert gradient.tolist() == [12.0, 27.0]
    assert a.grad.tolist() == [12.0, 18.0]


def test_a_leaf_in_memory_of_numpy_has_gradients_of_any_order(torch, between):
    shared = torch.from_numpy(np.array([1.0, 2.0, 3.0]))
    leaf = shared.detach().requires_grad_()
    found = (leaf**4).sum()
    expected = ([4.0, 32.0, 108.0], [12.0, 48.0, 108.0], [24.0, 48.0, 72.0])
    for elements in expected:
        between(found)
        (gradient,) = torch.autograd.grad(found, leaf, create_graph=True)
        assert gradient.tolist() == elements
        found = gradient.sum()


@pytest.mark.parametrize(
    ("write", "first", "second"),
    [
        ("b.data.mul_(2)", [96.0, 384.0], [96.0, 192.0]),
        ("b.detach().numpy()[:] = 1", [6.0, 6.0], [24.0, 24.0]),
        ("b.data = t.full((2,), 3.)", [54.0, 54.0], [72.0, 72.0]),
    ],
)
def test_second_gradients_through_a_result_that_was_written_to(
    torch, between, write, first, second
):
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    b = a * 2
    loss = (b**3).sum()
    between(loss)
    exec(write, {"b": b, "t": torch})
    (gradient,) = torch.autograd.grad(loss, a, create_graph=True)
    assert gradient.tolist() == first
    assert torch.autograd.grad(gradient.sum(), a)[0].tolist() == second


def test_a_loop_that_updates_through_data(torch, between):
    w = torch.ones(2, requires_grad=True)
    for _ in range(3):
        loss = (w * w).sum()
        between(loss)
        w.grad = None
        loss.backward()
        w.data -= 0.25 * w.grad.data
    assert w.tolist() == [0.125, 0.125]
    assert w.grad.tolist() == [0.5, 0.5]


def rows(t):
    table = t.tensor([1.0, 2.0], requires_grad=True) * 1
    return table.gather(0, t.tensor([1])), table


def pools(t):
    image = t.ones(1, 1, 4, 4, requires_grad=True) * 1
    return t.nn.functional.avg_pool2d(image, 2), image


def sums(t):
    source = t.ones(2, requires_grad=True) * 1
    return t.zeros(2).index_add(0, t.tensor([0, 1]), source), source


def factors(t):
    matrix = t.tensor([[2.0, 1.0], [1.0, 3.0]], requires_grad=True) * 1
    upper = t.linalg.lu(matrix)[2]
    return upper * 1, upper


# What PyTorch saves, though a gradient could do without it.
@pytest.mark.parametrize("case", [rows, pools, sums, factors])
def test_what_pytorch_saves_is_not_overwritten(torch, between, case):
    result, saved = case(torch)
    between(result)
    saved.mul_(2)
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        result.sum().backward()


def test_a_power_saves_its_result_for_the_gradient_of_the_exponent(torch, between):
    result = torch.tensor([2.0, 3.0]) ** torch.tensor([1.0, 2.0], requires_grad=True)
    between(result)
    total = (result * 1).sum()
    result.mul_(2)
    with pytest.raises(RuntimeError, match="is output 0 of Pow"):
        total.backward()


def test_what_pytorch_copies_may_be_overwritten(torch, between):
    leaf = torch.tensor([1.0, 2.0], requires_grad=True)
    left, right = leaf * 1, leaf * 1
    result = torch.kron(left, right)
    between(result)
    left.mul_(9)
    right.mul_(9)
    result.sum().backward()
    assert leaf.grad.tolist() == [6.0, 6.0]
    matrix, vector = torch.tensor([[2.0, 0.0], [0.0, 4.0]]), leaf * 1
    solution = torch.linalg.solve(matrix, vector)
    between(solution)
    vector.mul_(9)
    solution.sum().backward()
    assert leaf.grad.tolist() == [6.5, 6.25]


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((4,), "The size of tensor a (3) must match the size of tensor b (4) at non-singleton"),
        ((3, 2), "The size of tensor a (3) must match the size of tensor b (2) at non-singleton"),
        ((2, 5), "The size of tensor a (3) must match the size of tensor b (5) at non-singleton"),
    ],
)
def test_memory_of_another_size_is_refused_at_backward(torch, between, shape, words):
    leaf = torch.ones(2, 3, requires_grad=True)
    loss = (leaf**2).sum()
    between(loss)
    leaf.data = torch.full(shape, 3.0)
    with pytest.raises(RuntimeError, match=re.escape(words)):
        loss.backward()
    assert leaf.grad is None
    del loss  # which knows the leaf by its old size
    leaf.pow(2).sum().backward()
    assert leaf.grad.tolist() == torch.full(shape, 6.0).tolist()


def test_memory_of_another_size_may_take_the_place_of_what_is_not_needed(torch):
    layer = torch.nn.Linear(3, 2)
    loss = layer(torch.ones(1, 3)).sum()
    layer.bias.data = torch.zeros(7)
    loss.backward()
    assert layer.weight.grad.tolist() == [[1.0, 1.0, 1.0]] * 2
