"""Transforms of functions beside PyTorch's."""

from __future__ import annotations

import pytest

from compat_tests.helpers import transform_programs as transforms

pytestmark = [
    pytest.mark.oracle,
    # PyTorch warns of itself: its forward mode loads scripts, and its linearize traces.
    pytest.mark.filterwarnings("ignore:.torch.jit.script"),
    pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr"),
]


@pytest.mark.parametrize("name", transforms.NAMES.split(", "))
def test_transform(both, name):
    def program(torch):
        result = transforms.programs(torch)[name]()
        detach = lambda each: each.detach() if hasattr(each, "detach") else each  # noqa: E731
        if isinstance(result, (tuple, list)):
            return [
                [detach(one) for one in each] if isinstance(each, tuple) else detach(each)
                for each in result
            ]
        return detach(result)

    # PyTorch's results are views of batched tensors, with other strides.
    both(program, strides=False, relative=1e-5, absolute=1e-6)


def test_forwards_over_backwards_through_no_grad(both):
    def program(torch):
        def function(v):
            with torch.no_grad():
                square = v * v
            return (square * v).sum()

        return torch.func.hessian(function)(torch.arange(3.0)).tolist()

    both(program)
