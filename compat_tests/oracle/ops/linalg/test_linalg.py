"""Linear algebra beside PyTorch: values, types, layouts, messages and gradients."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.oracle

MATRIX = [[4.0, 2.0, 0.6], [1.0, 5.0, 1.0], [0.2, 0.5, 3.0]]
TALL = [[4.0, 2.0], [1.0, 5.0], [0.2, 0.5]]


def described(result):
    """Return numbers, layouts and types in a form that both libraries' results share."""
    parts = result if isinstance(result, tuple) else (result,)
    return type(result).__name__, [
        (
            tuple(part.shape),
            part.stride(),
            str(part.dtype).removeprefix("j"),
            type(part.grad_fn).__name__,
            [round(abs(x), 9) for x in part.detach().flatten().tolist()],
        )
        for part in parts
    ]


def both_describe(call):
    import torch

    import jtorch

    answers = []
    for library in (torch, jtorch):
        try:
            answers.append(described(call(library)))
        except Exception as error:
            answers.append((type(error).__name__, str(error)))
    return answers


SQUARE = [
    "inv", "inv_ex", "det", "slogdet", "qr", "svd", "svdvals", "eig", "eigvals", "eigh", "eigvalsh",
    "lu", "lu_factor", "lu_factor_ex", "matrix_exp", "pinv", "matrix_rank",
    "cond", "norm", "matrix_norm", "vector_norm", "ldl_factor",
]  # fmt: skip


@pytest.mark.parametrize("name", SQUARE)
def test_functions_of_a_square_matrix(name):
    theirs, ours = both_describe(
        lambda t: getattr(t.linalg, name)(t.tensor(MATRIX, dtype=t.float64, requires_grad=True))
    )
    assert ours == theirs


@pytest.mark.parametrize("name", ["qr", "svd", "lu", "lu_factor", "pinv", "svdvals", "inv", "eigh"])
def test_functions_of_a_tall_matrix(name):
    theirs, ours = both_describe(
        lambda t: getattr(t.linalg, name)(t.tensor(TALL, dtype=t.float64, requires_grad=True))
    )
    assert ours == theirs


@pytest.mark.parametrize("name", [*SQUARE, "cholesky"])
@pytest.mark.parametrize("wrong", ["vector", "integers"])
def test_messages(name, wrong):
    def call(t):
        data = t.ones(3) if wrong == "vector" else t.ones(2, 2, dtype=t.int64)
        return getattr(t.linalg, name)(data)

    theirs, ours = both_describe(call)
    assert ours == theirs


@pytest.mark.parametrize("driver", ["gels", "gelsy", "gelsd", "gelss"])
def test_least_squares(driver):
    theirs, ours = both_describe(
        lambda t: t.linalg.lstsq(
            t.tensor(TALL, dtype=t.float64), t.ones(3, 1, dtype=t.float64), driver=driver
        )
    )
    assert ours == theirs


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, float("inf")])
def test_gradients_of_distances(p):
    def call(t):
        a = t.tensor(TALL, dtype=t.float64, requires_grad=True)
        b = t.tensor([[4.0, 2.0], [0.0, 1.0]], dtype=t.float64)
        t.cdist(a, b, p=p).sum().backward()
        return a.grad

    theirs, ours = both_describe(call)
    assert ours == theirs
