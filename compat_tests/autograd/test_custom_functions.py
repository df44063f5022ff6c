"""What PyTorch does with the gradients that a Python ``autograd.Function`` returns.

``COMPAT_BACKEND=torch`` holds PyTorch itself against these expectations.
"""

from __future__ import annotations

import pytest


def gradients(torch, returned, leaves=False):
    """Return the gradients of tensors of shapes (1, 1) and (3, 3), as lists."""

    class Sum(torch.autograd.Function):
        @staticmethod
        def forward(ctx, number, a, b):
            return a + b

        @staticmethod
        def backward(ctx, gradient):
            return None, *returned(torch, gradient)

    a = torch.ones(1, 1, requires_grad=True)
    b = torch.ones(3, 3, requires_grad=True)
    given = (a, b) if leaves else (a * 2, b * 3)
    Sum.apply(7, *given).sum().backward()
    assert b.grad.shape == b.shape
    assert b.grad.dtype is torch.float32
    return None if a.grad is None else a.grad.tolist()


RETURNED = {
    "broadcast": (lambda t, g: (g, g), [[18.0]]),
    "of more dimensions": (lambda t, g: (t.ones(2, 1, 1), t.ones(4, 3, 3)), [[4.0]]),
    "of other dtypes": (lambda t, g: (g.double(), g.half()), [[18.0]]),
    "of integers": (lambda t, g: (g.long(), g), [[18.0]]),
    "none": (lambda t, g: (None, g), None),
}


@pytest.mark.parametrize(("returned", "expected"), RETURNED.values(), ids=RETURNED)
def test_gradients_get_the_shape_and_dtype_of_their_arguments(torch, returned, expected):
    assert gradients(torch, returned) == expected


def test_so_do_those_of_leaves(torch):
    assert gradients(torch, lambda t, g: (g, g), leaves=True) == [[9.0]]


REFUSED = {
    "of fewer dimensions": (
        lambda t, g: (g[0, :2], g),
        "Function SumBackward returned an invalid gradient at index 0 - got [2] but expected shape "
        "compatible with [1, 1]",
    ),
    "of other sizes": (
        lambda t, g: (t.ones(1, 1), t.ones(2, 3)),
        "Function SumBackward returned an invalid gradient at index 1 - got [2, 3] but expected "
        "shape compatible with [3, 3]",
    ),
    "that would expand": (
        lambda t, g: (g, t.ones(3)),
        "Function SumBackward returned an invalid gradient at index 1 - got [3] but expected shape "
        "compatible with [3, 3]",
    ),
    "complex": (
        lambda t, g: (g + 0j, g),
        "Expected isFloatingType(grad.scalar_type()) || (input_is_complex == grad_is_complex) to "
        "be true, but got false.  (Could this error message be improved?  If so, please report an "
        "enhancement request to PyTorch.)",
    ),
    "no tensor": (lambda t, g: (1.0, g), "expected Variable or None (got float)"),
    "too few": (
        lambda t, g: (g,),
        "function SumBackward returned an incorrect number of gradients (expected 3, got 2)",
    ),
}


@pytest.mark.parametrize(("returned", "message"), REFUSED.values(), ids=REFUSED)
def test_gradients_that_do_not_fit_are_refused(torch, returned, message):
    with pytest.raises(RuntimeError) as error:
        gradients(torch, returned)
    assert str(error.value) == message


def test_a_broadcast_gradient_can_be_differentiated(torch):
    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return a * b

        @staticmethod
        def backward(ctx, gradient):
            a, b = ctx.saved_tensors
            return gradient * b, gradient * a

    a = torch.tensor([2.0], requires_grad=True)
    b = torch.tensor([1.0, 3.0], requires_grad=True)
    (first,) = torch.autograd.grad(Product.apply(a, b).square().sum(), a, create_graph=True)
    (second,) = torch.autograd.grad(first, b)
    assert first.tolist() == [40.0]
    assert second.tolist() == [8.0, 24.0]


@pytest.mark.parametrize("rows", [2, 3])
def test_an_argument_written_to_through_data_keeps_its_history(torch, rows):
    class Assign(torch.autograd.Function):
        """Writes into memory that autograd is not told of, as torchdiffeq's solvers do."""

        @staticmethod
        def forward(ctx, memory, value, index):
            ctx.index = index
            memory.data[index] = value
            return memory

        @staticmethod
        def backward(ctx, gradient):
            return gradient, gradient[ctx.index], None

    weight = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    memory = torch.empty(rows, 3)
    total = 0
    for row in range(rows):
        memory = Assign.apply(memory, weight * (row + 1), row)
        total = total + memory[row].sum() * (row + 1)
    (total + memory.square().sum()).backward()
    # d/dw of the sum over rows i of i * (i w) and of (i w)^2
    squares = sum((row + 1) ** 2 for row in range(rows))
    assert weight.grad.tolist() == [squares + 2 * squares * w for w in (1.0, 2.0, 3.0)]
