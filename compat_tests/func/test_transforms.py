"""Transforms of functions: what needs no PyTorch to be judged."""

from __future__ import annotations

import pytest

import jtorch as torch
from compat_tests.helpers import transform_programs as transforms
from jtorch import func

ERRORS = {"looks", "draws", "returns a number", "wrong dim", "wrong sizes", "no inputs"}
ERRORS |= {"of no scalar", "no level"}


@pytest.mark.parametrize("name", transforms.NAMES.split(", "))
def test_every_program_runs_or_is_refused(name):
    program = transforms.programs(torch)[name]
    if name in ERRORS:
        with pytest.raises((RuntimeError, ValueError)):
            program()
    else:
        assert program() is not None


def test_vmap_is_the_function_row_by_row():
    x = torch.randn(4, 3)
    rows = torch.stack([row.cumsum(0).exp() for row in x])
    assert torch.allclose(torch.vmap(lambda row: row.cumsum(0).exp())(x), rows)


def test_derivatives_agree_with_each_other():
    x = torch.tensor([0.2, -0.4, 0.9], dtype=torch.float64)
    function = lambda v: torch.stack([v.prod(), v.sin().sum()])  # noqa: E731
    backwards, forwards = func.jacrev(function)(x), func.jacfwd(function)(x)
    assert torch.allclose(backwards, forwards)
    direction = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    assert torch.allclose(func.jvp(function, (x,), (direction,))[1], backwards @ direction)
    assert torch.allclose(func.vjp(function, x)[1](direction[:2])[0], direction[:2] @ backwards)


def test_a_loop_compiles_once():
    x = torch.randn(5, 3)
    mapped = torch.vmap(lambda row, factor: row * factor, in_dims=(0, None))
    counts = []
    for step in range(4):
        mapped(x, torch.tensor(float(step))).sum().item()
        counts.append(torch.compiler.stats().programs_compiled)
    assert counts[1] == counts[3]


def test_vmap_refuses_a_write_of_slices_to_a_tensor_without_them():
    whole = torch.zeros(3)

    def write(slice_):
        whole.add_(slice_)
        return slice_

    def put(slice_):
        whole[0] = slice_[0]
        return slice_

    def fresh(slice_):
        return torch.zeros(3).mul_(slice_)

    for _ in range(2):  # a trace that was seen is refused like one that was not
        for function in (write, put, fresh):
            with pytest.raises(RuntimeError, match=r"inplace arithmetic.self, .extra_args. is not"):
                torch.vmap(function)(torch.ones(2, 3))
    assert whole.tolist() == [0, 0, 0]
    added = torch.vmap(lambda slice_: torch.zeros(3).add_(1) + slice_)(torch.ones(2, 3))
    assert added.tolist() == [[2, 2, 2], [2, 2, 2]]


def test_vmap_of_a_write_to_a_slice_writes_to_the_argument():
    tensor = torch.ones(2, 3)

    def write(slice_):
        slice_.add_(1)
        return slice_ * 2

    assert torch.vmap(write)(tensor).tolist() == [[4, 4, 4], [4, 4, 4]]
    assert tensor.tolist() == [[2, 2, 2], [2, 2, 2]]
    assert torch.vmap(write, in_dims=1)(tensor).shape == (3, 2)
    assert tensor.tolist() == [[3, 3, 3], [3, 3, 3]]


def test_vmap_refuses_running_statistics_that_all_slices_share():
    with pytest.raises(RuntimeError, match="Batch norm got a batched tensor as input while the"):
        torch.vmap(torch.nn.BatchNorm1d(3))(torch.ones(2, 4, 3))
    assert torch.vmap(torch.nn.BatchNorm1d(3).eval())(torch.ones(2, 4, 3)).shape == (2, 4, 3)
    plain = torch.nn.BatchNorm1d(3, track_running_stats=False)
    assert torch.vmap(plain)(torch.ones(2, 4, 3)).shape == (2, 4, 3)


def without_gradients(v):
    with torch.no_grad():
        square = v * v
    return square * v


def detached(v):
    return v.detach() * v


REVERSE = {
    "jacrev": lambda f, x: torch.func.jacrev(f)(x).diagonal(),
    "grad of vmap": lambda f, x: torch.func.grad(lambda v: torch.func.vmap(f)(v).sum())(x),
    "vmap of grad": lambda f, x: torch.func.vmap(torch.func.grad(f))(x),
    "vjp": lambda f, x: torch.func.vjp(f, x)[1](torch.ones(3))[0],
}
FORWARD = {
    "jacfwd": lambda f, x: torch.func.jacfwd(f)(x).diagonal(),
    "jvp": lambda f, x: torch.func.jvp(f, (x,), (torch.ones(3),))[1],
}


@pytest.mark.parametrize("name", [*REVERSE, *FORWARD])
def test_detach_stops_every_transform_and_no_grad_those_in_reverse(name):
    transform = (REVERSE | FORWARD)[name]
    x = torch.arange(3.0)
    assert transform(detached, x).tolist() == [0.0, 1.0, 2.0]
    expected = [0.0, 1.0, 4.0] if name in REVERSE else [0.0, 3.0, 12.0]
    assert transform(without_gradients, x).tolist() == expected
    with torch.no_grad():
        assert transform(detached, x).tolist() == [0.0, 1.0, 2.0]


def test_second_derivatives_stop_at_detach():
    x = torch.arange(3.0)
    hessian = torch.func.hessian(lambda v: detached(v).sum())(x)
    assert hessian.tolist() == torch.zeros(3, 3).tolist()
    twice = torch.func.jacrev(torch.func.jacrev(lambda v: (without_gradients(v) * v).sum()))(x)
    assert twice.diagonal().tolist() == [0.0, 2.0, 8.0]
