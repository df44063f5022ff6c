"""Wrong arguments of transforms, and of questions about dimensions: outcomes of PyTorch."""

from __future__ import annotations

import pytest

from compat_tests.helpers.expressions import outcome, read

RECORDED = read("transform_arguments")


@pytest.mark.parametrize("expression", RECORDED)
def test_outcome_is_pytorchs(torch, expression):
    assert outcome(torch, expression) == RECORDED[expression]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda f, x: f(x[0]), RuntimeError,
         "tangent:0 with shape torch.Size([3]) in flattened pytree doesn't match the shape "
         "torch.Size([2, 3]) of the corresponding primal."),
        (lambda f, x: f(x.double()), RuntimeError,
         "tangent:0 with dtype torch.float64 in flattened pytree doesn't match the dtype "
         "torch.float32 of the corresponding primal."),
        (lambda f, x: f([x]), RuntimeError,
         "Expected the tangents TreeSpec(tuple, None, [TreeSpec(list, None, [*])]) to have the "
         "same argspec as the primals TreeSpec(tuple, None, [*])"),
        (lambda f, x: f(), RuntimeError,
         "Expected the tangents TreeSpec(tuple, None, []) to have the same argspec as the primals "
         "TreeSpec(tuple, None, [*])"),
        (lambda f, x: f(3.0), AttributeError, "'float' object has no attribute 'shape'"),
    ],
)  # fmt: skip
def test_tangents_of_linearize_are_checked(torch, call, error, words):
    x = torch.ones(2, 3)
    _, directions = torch.func.linearize(lambda a: (a**2).sum(1), x)
    with pytest.raises(error) as raised:
        call(directions, x)
    assert str(raised.value) == words
    assert directions(x).tolist() == [6.0, 6.0]


def test_what_is_no_tensor_stays_in_linearize(torch):
    x = torch.ones(2)
    output, directions = torch.func.linearize(lambda a: {"n": 3, "a": a * 2}, x)
    assert output["n"] == directions(x)["n"] == 3
    assert directions(x)["a"].tolist() == [2.0, 2.0]
    with pytest.raises(ValueError, match=r"floating point or complex, but got: torch\.int64"):
        torch.func.linearize(lambda a: a, x.long())


def test_integers_have_derivatives_of_zeros(torch):
    x = torch.ones(2)
    jacobian = torch.func.jacfwd(lambda a: a.long())(x)
    assert jacobian.dtype is torch.int64
    assert jacobian.tolist() == [[0, 0], [0, 0]]
    mixed = torch.func.jacfwd(lambda a: (a.long(), a * 3))(x)
    assert mixed[1].tolist() == [[3.0, 0.0], [0.0, 3.0]]
    aux = torch.func.jacrev(lambda a: (a * 3, a.long()), has_aux=True)(x)
    assert aux[0].tolist() == [[3.0, 0.0], [0.0, 3.0]]
    with pytest.raises(RuntimeError, match=r"non-empty output \(got output = \[\]\)$"):
        torch.func.jacfwd(lambda a: ())(x)
