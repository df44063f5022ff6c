"""Random programs of views, in-place writes and backward calls, run by PyTorch and by jtorch.

A program is a list of steps on a growing pool of tensors. Whatever a step gives or raises, and what
every tensor of the pool is at the end, must be the same under both libraries.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

#: How many programs; ``COMPAT_RANDOM_PROGRAMS=10000`` for a long run, of other programs each time.
COUNT = int(os.environ.get("COMPAT_RANDOM_PROGRAMS", "300"))

Step = tuple[str, int, int, int]  # action, tensors (numbers in the pool), and a small parameter

# Few sizes, so that shapes often fit; halves, so that sums and products are exact in float32.
SHAPES = [(4,), (2, 3), (3, 2), (2, 2, 3), (1, 4), ()]
NUMBERS = [-2.0, -0.5, 0.0, 0.5, 1.0, 3.0]


def make_leaf(torch: ModuleType, parameter: int) -> Any:
    """Return a new tensor; every other one requires grad."""
    shape = SHAPES[parameter % len(SHAPES)]
    count = torch.Size(shape).numel()
    values = (torch.arange(float(count)) - 2) / 2
    return values.reshape(shape).clone().requires_grad_(parameter % 2 == 0)


def dimension(x: Any, parameter: int) -> int:
    return parameter % max(x.dim(), 1)


VIEWS: dict[str, Callable[[Any, Any, int], Any]] = {
    "transpose": lambda x, y, n: x.transpose(0, -1),
    "permute": lambda x, y, n: x.permute(*reversed(range(x.dim()))),
    "select": lambda x, y, n: x.select(dimension(x, n), n % 2),
    "slice": lambda x, y, n: x[n % 3 :: 1 + n % 2],
    "narrow": lambda x, y, n: x.narrow(dimension(x, n), n % 2, 1),
    "unsqueeze": lambda x, y, n: x.unsqueeze(n % (x.dim() + 1)),
    "squeeze": lambda x, y, n: x.squeeze(),
    "flatten": lambda x, y, n: x.view(-1),
    "reshape": lambda x, y, n: x.reshape(-1, 2) if n % 2 else x.reshape(2, -1),
    "expand": lambda x, y, n: x.expand(2, *x.shape),
    "diagonal": lambda x, y, n: x.diagonal(),
    "view_as": lambda x, y, n: x.view_as(y),
    "detach": lambda x, y, n: x.detach(),
    "chunk": lambda x, y, n: x.chunk(2, dimension(x, n))[-1],
    "unbind": lambda x, y, n: x.unbind(dimension(x, n))[0],
    "real": lambda x, y, n: x[...],
}
WRITES: dict[str, Callable[[Any, Any, int], Any]] = {
    "add_": lambda x, y, n: x.add_(y),
    "add_number_": lambda x, y, n: x.add_(NUMBERS[n % 6]),
    "mul_": lambda x, y, n: x.mul_(y),
    "mul_number_": lambda x, y, n: x.mul_(NUMBERS[n % 6]),
    "sub_": lambda x, y, n: x.sub_(y, alpha=2),
    "copy_": lambda x, y, n: x.copy_(y),
    "fill_": lambda x, y, n: x.fill_(NUMBERS[n % 6]),
    "zero_": lambda x, y, n: x.zero_(),
    "relu_": lambda x, y, n: x.relu_(),
    "clamp_": lambda x, y, n: x.clamp_(-1, 1),
    "neg_": lambda x, y, n: x.neg_(),
    "masked_fill_": lambda x, y, n: x.masked_fill_(x > 0, NUMBERS[n % 6]),
    "set_row": lambda x, y, n: x.__setitem__(n % 2, y),
    "set_column": lambda x, y, n: x.__setitem__((..., n % 2), NUMBERS[n % 6]),
    "set_mask": lambda x, y, n: x.__setitem__(x < 0, 0.0),
    # In range: of a write that it refuses for one index, PyTorch has done the part before it.
    "set_rows": lambda x, y, n: x.__setitem__(list(range(x.shape[0]))[:2], y),
    "transpose_": lambda x, y, n: x.t_(),
    "unsqueeze_": lambda x, y, n: x.unsqueeze_(0),
    "requires_grad_": lambda x, y, n: x.requires_grad_(n % 2 == 0),
    "detach_": lambda x, y, n: x.detach_(),
}
RESULTS: dict[str, Callable[[Any, Any, int], Any]] = {
    "add": lambda x, y, n: x + y,
    "mul": lambda x, y, n: x * y,
    "square": lambda x, y, n: x**2,
    "relu": lambda x, y, n: x.relu(),
    "sum": lambda x, y, n: x.sum(),
    "sum_dim": lambda x, y, n: x.sum(dimension(x, n)),
    # Times one: PyTorch gives a matrix-vector product the version 1, having filled it in place.
    "matmul": lambda x, y, n: (x @ y) * 1,
    "clone": lambda x, y, n: x.clone(),
    "contiguous": lambda x, y, n: x.contiguous(),
    "where": lambda x, y, n: x.where(x > 0, y),
    "flip": lambda x, y, n: x.flip(0),
    "index": lambda x, y, n: x[[1, 0]],
    "double": lambda x, y, n: x * 2 - y,
}
BACKWARDS: dict[str, Callable[[Any, Any, int], Any]] = {
    "backward": lambda x, y, n: x.sum().backward(),
    "backward_ones": lambda x, y, n: x.backward(x.detach()),
    "backward_retain": lambda x, y, n: (x * x).sum().backward(retain_graph=True),
    "forget": lambda x, y, n: setattr(x, "grad", None),
}
CHANGES_OF_A_BASE = ("requires_grad_", "detach_", "transpose_", "unsqueeze_")
ACTIONS = VIEWS | WRITES | RESULTS | BACKWARDS


def _is_shared(x: Any, pool: list[Any]) -> bool:
    address = x.untyped_storage().data_ptr()
    return sum(other.untyped_storage().data_ptr() == address for other in pool) > 1


def execute(torch: ModuleType, steps: list[Step]) -> list[Any]:
    """Run a program and return what can be seen of it: step by step, then tensor by tensor."""
    warnings.simplefilter("ignore")  # one that pytest makes an error stops PyTorch half-way
    pool = [make_leaf(torch, 0), make_leaf(torch, 1)]
    seen: list[Any] = []
    for action, first, second, parameter in steps:
        x, y = pool[first % len(pool)], pool[second % len(pool)]
        if action in CHANGES_OF_A_BASE and _is_shared(x, pool):
            continue  # known gaps, see the last tests of this file
        try:
            if action == "leaf":
                result = make_leaf(torch, parameter)
            elif action == "without_grad":
                with torch.no_grad():
                    result = x.mul_(2) if parameter % 2 else x[0:1]
            else:
                result = ACTIONS[action](x, y, parameter)
        except Exception as error:
            seen.append(f"{action}: {type(error).__name__}: {error}")
            continue
        if isinstance(result, torch.Tensor):
            seen.append((action, tuple(result.shape), result.requires_grad))
            pool.append(result)
    storages = [x.untyped_storage().data_ptr() for x in pool]
    for x in pool:
        # The first tensor on the same storage stands for the address, which differs.
        seen.append(("aliases", storages.index(x.untyped_storage().data_ptr())))
        seen.append((x, x._version, x.storage_offset(), x.is_contiguous(), x._is_view()))
        seen.append(x.grad if x.is_leaf else None)
    return seen


steps_of = st.tuples(
    st.sampled_from([*ACTIONS, "leaf", "without_grad"]),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 5),
)


@settings(
    max_examples=COUNT,
    deadline=None,
    derandomize=COUNT <= 300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(steps_of, min_size=1, max_size=10))
def test_random_program(steps, both):
    both(execute, steps)


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_each_action_alone(action, both):
    """Each action on each kind of tensor, so that none is left to chance."""
    for parameter in range(6):
        leaf = ("leaf", 0, 0, parameter)
        both(execute, [leaf, (action, 2, 0, parameter)])
        both(execute, [leaf, ("double", 2, 2, 0), (action, 3, 2, parameter), ("backward", 3, 0, 0)])
        both(execute, [leaf, ("square", 2, 2, 0), (action, 3, 2, parameter), ("backward", 4, 0, 0)])
        both(execute, [leaf, ("slice", 2, 2, 0), (action, 3, 1, parameter), ("square", 2, 2, 0)])


@pytest.mark.parametrize("change", ["requires_grad_", "detach_"])
def test_a_view_follows_the_flag_of_its_base(change, both):
    def program(torch: ModuleType) -> Any:
        base = torch.arange(4.0).requires_grad_(change == "detach_")
        view = base[:2]
        getattr(base, change)()
        if change == "detach_":
            base.add_(base)
        return view.requires_grad, view.is_leaf, base.requires_grad

    both(program)


def test_a_view_names_its_node_anew_after_its_base_changed_shape(both):
    def program(torch: ModuleType) -> Any:
        base = torch.ones(2, 3, requires_grad=True) * 1
        view = base.transpose(0, 1)
        base.transpose_(0, 1)
        return view.grad_fn.name()

    both(program)
