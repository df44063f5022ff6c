"""Indexing, assignment by index and the operators that take positions: known values."""

from __future__ import annotations

import numpy as np
import pytest

CUBE = np.arange(24, dtype=np.float32).reshape(2, 3, 4)

# An index that NumPy understands as PyTorch does; tensors are made of the arrays in it.
INDICES = [
    1,
    -1,
    (1, 2, 3),
    (..., 0),
    (slice(None), 1),
    (slice(None), slice(-100, 100), slice(1, None, 2)),
    None,
    (None, 0, ..., None),
    [0, 1, 1],
    ([0, 1], [2, 0]),
    (slice(None), [2, 0], [1, 3]),
    ([1, 0], slice(None), [3, 2]),
    (..., [0, 3]),
    np.array([[0, 1], [1, -1]]),
    CUBE > 20,
    CUBE[..., 0] > 4,
    (slice(None), CUBE[0, :, 0] > 3),
    True,
    False,
    (),
    ...,
    slice(5, None),
]


def as_torch(torch, index):
    if isinstance(index, np.ndarray):
        return torch.tensor(index)
    if isinstance(index, tuple):
        return tuple(as_torch(torch, item) for item in index)
    return index


@pytest.mark.parametrize("number", range(len(INDICES)))
def test_reading(torch, number):
    x = torch.tensor(CUBE)
    taken = x[as_torch(torch, INDICES[number])]
    expected = CUBE[INDICES[number]]
    assert tuple(taken.shape) == expected.shape
    assert taken.tolist() == expected.tolist()


@pytest.mark.parametrize("number", range(len(INDICES)))
def test_assigning(torch, number):
    x = torch.tensor(CUBE)
    x[as_torch(torch, INDICES[number])] = -1.5
    expected = CUBE.copy()
    expected[INDICES[number]] = -1.5
    assert x.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("index", "kind", "words"),
    [
        (5, IndexError, "index 5 is out of bounds for dimension 0 with size 2"),
        ((0, -4), IndexError, "index -4 is out of bounds for dimension 1 with size 3"),
        ((0, 0, 0, 0), IndexError, "too many indices for tensor of dimension 3"),
        ([0, 5], IndexError, "index 5 is out of bounds for dimension 0 with size 2"),
        (slice(None, None, -1), ValueError, "step must be greater than zero"),
        (slice(None, None, 0), ValueError, "slice step cannot be zero"),
        (([0, 1], [0, 1, 2]), IndexError, r"with shapes \[2\], \[3\]"),
        (1.0, IndexError, r"only integers, slices .* are valid indices \(got float\)"),
        (np.array([1.5]), IndexError, "tensors used as indices must be long, int, byte or bool"),
        ([True, False, True], IndexError, r"The shape of the mask \[3\] at index 0 does not"),
    ],
)
def test_wrong_indices(torch, index, kind, words):
    with pytest.raises(kind, match=words):
        torch.tensor(CUBE)[as_torch(torch, index)]


def test_assigning_what_does_not_fit(torch):
    x = torch.tensor(CUBE)
    with pytest.raises(RuntimeError, match=r"shape mismatch: value tensor of shape \[5\] cannot"):
        x[[0, 1]] = torch.tensor([1.0] * 5)
    with pytest.raises(RuntimeError, match=r"The expanded size of the tensor \(4\) must match"):
        x[0] = torch.tensor([1.0, 2.0])
    with pytest.raises(TypeError, match=r"can't assign a str to a torch\.FloatTensor"):
        x[0] = "a"
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
        x.requires_grad_()[0] = 1


def test_iteration_and_length(torch):
    x = torch.tensor([[1, 2], [3, 4]])
    assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
    assert len(x) == 2 and 3 in x and 9 not in x
    with pytest.raises(TypeError, match="iteration over a 0-d tensor"):
        iter(torch.tensor(1))
    with pytest.raises(TypeError, match="len\\(\\) of a 0-d tensor"):
        len(torch.tensor(1))


def test_a_changing_index_makes_no_new_program(torch):
    from jtorch._engine.execution.stats import counters

    x = torch.tensor(np.arange(20, dtype=np.float32))
    compiled = []
    for position in range(1, 8):
        total = x[position] + x[position : position + 3]
        x[position] = 0.0
        assert total.tolist() == [position * 2, position * 2 + 1, position * 2 + 2]
        x[position] = float(position)
        x.tolist()
        compiled.append(counters.programs_compiled)
    assert compiled[-1] == compiled[1]


L = [[0, 0], [2, 1]]
CASES = {
    "index_select": (lambda t, x, p: x.index_select(1, t.tensor([2, 0])), [[2, 0], [5, 3]]),
    "gather": (lambda t, x, p: x.gather(1, p), [[0, 0], [5, 4]]),
    "scatter": (lambda t, x, p: x.scatter(1, p, 9.0), [[9, 1, 2], [3, 9, 9]]),
    "scatter_add": (lambda t, x, p: x.scatter_add(1, p, x + 1), [[3, 1, 2], [3, 9, 9]]),
    "scatter_reduce": (
        lambda t, x, p: x.scatter_reduce(1, p, x, "amax", include_self=False),
        [[1, 1, 2], [3, 4, 3]],
    ),
    "mean": (lambda t, x, p: x.scatter_reduce(1, p, x, "mean"), [[1 / 3, 1, 2], [3, 4, 4]]),
    "index_add": (
        lambda t, x, p: x.index_add(1, t.tensor([1, 1]), x[:, :2], alpha=2),
        [[0, 3, 2], [3, 18, 5]],
    ),
    "index_copy": (
        lambda t, x, p: x.index_copy(0, t.tensor([1]), x[:1] + 7),
        [[0, 1, 2], [7, 8, 9]],
    ),
    "index_fill": (lambda t, x, p: x.index_fill(1, t.tensor([-1]), 0), [[0, 1, 0], [3, 4, 0]]),
    "masked_fill": (lambda t, x, p: x.masked_fill(x > 3, -1), [[0, 1, 2], [3, -1, -1]]),
    "masked_scatter": (
        lambda t, x, p: x.masked_scatter(x > 3, t.tensor([8.0, 9.0])),
        [[0, 1, 2], [3, 8, 9]],
    ),
    "masked_select": (lambda t, x, p: x.masked_select(x > 3), [4, 5]),
    "take": (lambda t, x, p: x.take(t.tensor([0, -1])), [0, 5]),
    "take_along_dim": (lambda t, x, p: t.take_along_dim(x, p, 1), [[0, 0], [5, 4]]),
    "put": (
        lambda t, x, p: x.put(t.tensor([0, 0]), t.tensor([1.0, 2.0]), accumulate=True),
        [[3, 1, 2], [3, 4, 5]],
    ),
    "select_scatter": (lambda t, x, p: x.select_scatter(x[0], 0, 1), [[0, 1, 2], [0, 1, 2]]),
    "slice_scatter": (
        lambda t, x, p: x.slice_scatter(x[:, 1:], 1, 0, 2),
        [[1, 2, 2], [4, 5, 5]],
    ),
    "diagonal_scatter": (
        lambda t, x, p: x.diagonal_scatter(t.tensor([8.0, 9.0])),
        [[8, 1, 2], [3, 9, 5]],
    ),
    "index_put": (
        lambda t, x, p: x.index_put((p[0], p[1]), t.tensor(1.0), accumulate=True),
        [[0, 2, 3], [3, 4, 5]],
    ),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_operator(torch, name):
    program, expected = CASES[name]
    x = torch.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
    result = program(torch, x, torch.tensor(L))
    np.testing.assert_allclose(np.array(result.tolist()), np.array(expected), rtol=1e-6)
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]] and x._version == 0


@pytest.mark.parametrize(
    ("program", "kind", "words"),
    [
        (lambda t, x: x.index_select(0, t.tensor([5])), IndexError, "index out of range in self"),
        (lambda t, x: x.gather(1, t.tensor([[5]])), RuntimeError, "index 5 is out of bounds for"),
        (
            lambda t, x: x.scatter_(1, t.tensor([[-1]]), 0),
            RuntimeError,
            "index -1 is out of bounds",
        ),
        (
            lambda t, x: x.take(t.tensor([9])),
            IndexError,
            "tried to access index 9 on a tensor of 6",
        ),
        (lambda t, x: x.masked_fill(x, 1), RuntimeError, "only supports boolean masks"),
        (lambda t, x: x.index_put((t.tensor([7]),), x[0]), IndexError, "index 7 is out of bounds"),
    ],
)
def test_operators_refuse(torch, program, kind, words):
    x = torch.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
    with pytest.raises(kind, match=words):
        program(torch, x)
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_gradients_of_repeated_positions_add_up(torch):
    x = torch.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], requires_grad=True)
    x[[0, 0], [1, 1]].sum().backward()
    x[x > 3].sum().backward()
    assert x.grad.tolist() == [[0, 2, 0], [0, 1, 1]]
    value = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x.detach().clone()
    y[[0, 0], [1, 1]] = value
    y.sum().backward()
    # PyTorch gives each write the gradient of its place, also the one that was overwritten.
    assert value.grad.tolist() == [1, 1] and y[0, 1].item() == 2
