"""Linear algebra: values and layouts recorded from PyTorch 2.13, failures, gradients."""

from __future__ import annotations

import pytest

import jtorch as torch

MATRIX = [[4.0, 2.0, 0.6], [2.0, 5.0, 1.0], [0.6, 1.0, 3.0]]


def matrix(**options):
    return torch.tensor(MATRIX, dtype=torch.float64, **options)


def close(found, wanted):
    torch_wanted = torch.tensor(wanted, dtype=found.dtype)
    assert found.shape == torch_wanted.shape
    assert (found - torch_wanted).abs().max().item() < 1e-12


def test_results_have_lapacks_layout():
    batch = matrix().expand(2, 3, 3)
    assert torch.linalg.cholesky(batch).stride() == (9, 1, 3)
    assert torch.linalg.inv(batch).stride() == (9, 1, 3)
    assert torch.linalg.qr(batch).Q.stride() == (9, 1, 3)
    assert torch.linalg.svd(batch).Vh.stride() == (9, 1, 3)
    assert torch.linalg.lu(batch).L.stride() == (9, 3, 1)
    assert torch.linalg.pinv(batch).stride() == (9, 3, 1)
    assert torch.linalg.solve(batch, torch.ones(2, 3, dtype=torch.float64)).stride() == (1, 2)
    wide = torch.ones(2, 1, 3, dtype=torch.float64)
    assert torch.linalg.solve(batch, wide, left=False).stride() == (3, 3, 1)


def test_determinants_are_those_of_the_transposes_factors():
    counting = torch.arange(1.0, 10.0, dtype=torch.float64).view(3, 3)
    assert torch.linalg.det(counting).item() == 0.0
    assert torch.linalg.det(torch.tensor([[1.0, 2.0], [3.0, 4.0]])).item() == -2.0


def test_cholesky_and_what_failed():
    close(
        torch.linalg.cholesky(matrix())[0:2, 0:2],
        [[2.0, 0.0], [1.0, 2.0]],
    )
    factor, info = torch.linalg.cholesky_ex(torch.tensor([[1.0, 2.0], [2.0, 1.0]]))
    assert factor.tolist() == [[1.0, 0.0], [2.0, -3.0]]
    assert info.item() == 2 and info.dtype is torch.int32


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: torch.linalg.cholesky(torch.stack([torch.eye(2), -torch.eye(2)])),
            "linalg.cholesky: (Batch element 1): The factorization could not be completed because "
            "the input is not positive-definite (the leading minor of order 1 is not "
            "positive-definite).",
        ),
        (
            lambda: torch.linalg.inv(torch.zeros(2, 2)),
            "linalg.inv: The diagonal element 1 is zero, the inversion could not be completed "
            "because the input matrix is singular.",
        ),
        (
            lambda: torch.linalg.solve(torch.zeros(2, 2), torch.ones(2)),
            "torch.linalg.solve: The solver failed because the input matrix is singular.",
        ),
        (
            lambda: torch.linalg.svdvals(torch.full((2, 2), float("nan"))),
            "linalg.svd: The algorithm failed to converge because the input matrix contained "
            "non-finite values.",
        ),
    ],
)
def test_data_without_an_answer_raise_at_the_call(call, words):
    with pytest.raises(torch.linalg.LinAlgError) as caught:
        call()
    assert str(caught.value) == words
    assert isinstance(caught.value, RuntimeError)
    assert torch.ones(2).sum().item() == 2.0  # the trace is as it was


def test_lin_alg_error_is_pytorchs_class():
    assert repr(torch.linalg.LinAlgError) == "<class 'torch._C._LinAlgError'>"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: torch.linalg.inv(torch.ones(2, 3)),
            "linalg.inv: A must be batches of square matrices, but they are 2 by 3 matrices",
        ),
        (
            lambda: torch.linalg.det(torch.ones(3)),
            "linalg.det: The input tensor A must have at least 2 dimensions.",
        ),
        (
            lambda: torch.linalg.solve(torch.eye(3), torch.ones(4, 2)),
            "linalg.solve: Incompatible shapes of A and B for the equation AX = B (3x3 and 4x2)",
        ),
        (
            lambda: torch.linalg.eigh(torch.eye(2), UPLO="X"),
            "Expected UPLO argument to be 'L' or 'U', but got X",
        ),
        (
            lambda: torch.linalg.inv(matrix(), out=torch.empty(0)),
            "Expected out tensor to have dtype double, but got float instead",
        ),
        (
            lambda: torch.linalg.matrix_norm(torch.ones(2, 2), 3),
            "linalg.matrix_norm: Order 3 not supported.",
        ),
    ],
)
def test_wrong_arguments(call, words):
    with pytest.raises(RuntimeError) as caught:
        call()
    assert str(caught.value) == words


def test_a_gradient_that_is_refused_is_refused_at_the_call():
    a = matrix(requires_grad=True)
    r = torch.linalg.qr(a, mode="r").R
    with pytest.raises(RuntimeError, match="depends on Q, which is not computed"):
        r.sum().backward()
    packed, _ = torch.linalg.ldl_factor(a)
    assert type(packed.grad_fn).__name__ == "NotImplemented"
    with pytest.raises(RuntimeError, match="linalg_ldl_factor_ex is not implemented"):
        packed.sum().backward()
    assert (a.detach() * 2).sum().item() == pytest.approx(38.4)


def test_factorisations_give_the_matrix_back():
    a = matrix()
    p, lower, upper = torch.linalg.lu(a)
    close(p @ lower @ upper, MATRIX)
    q, r = torch.linalg.qr(a)
    close(q @ r, MATRIX)
    u, s, vh = torch.linalg.svd(a)
    close(u @ s.diag() @ vh, MATRIX)
    values, vectors = torch.linalg.eigh(a)
    close(vectors @ values.diag() @ vectors.mH, MATRIX)
    packed, pivots = torch.linalg.ldl_factor(a)
    close(torch.linalg.ldl_solve(packed, pivots, a), torch.eye(3).tolist())


def test_indefinite_matrices_have_blocks_of_two():
    a = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)
    packed, pivots = torch.linalg.ldl_factor(a)
    assert pivots.tolist() == [-2, -2]
    close(torch.linalg.ldl_solve(packed, pivots, a), [[1.0, 0.0], [0.0, 1.0]])


@pytest.mark.parametrize(
    "function",
    [
        torch.linalg.inv,
        torch.linalg.cholesky,
        torch.linalg.det,
        torch.linalg.matrix_exp,
        torch.linalg.pinv,
        torch.linalg.svdvals,
        torch.linalg.eigvalsh,
        lambda a: torch.linalg.qr(a).R,
        lambda a: torch.linalg.lu_factor(a).LU,
        lambda a: torch.linalg.slogdet(a).logabsdet,
        lambda a: torch.cdist(a, a.mT, p=3.0),
    ],
)
def test_gradients_are_those_of_finite_differences(function):
    """Along a symmetric direction, so that functions of one triangle agree."""
    direction = torch.tensor(
        [[0.3, -0.1, 0.2], [-0.1, 0.5, 0.4], [0.2, 0.4, -0.6]], dtype=torch.float64
    )
    step = 1e-6

    def weighted(a):
        result = function(a)
        return (result * torch.arange(1.0, result.numel() + 1).view(result.shape)).sum()

    a = matrix(requires_grad=True)
    weighted(a).backward()
    slope = (a.grad * direction).sum().item()
    above, below = (weighted(matrix() + sign * step * direction).item() for sign in (1, -1))
    assert slope == pytest.approx((above - below) / (2 * step), rel=1e-6)


def test_determinants_gradient_at_a_singular_matrix():
    a = torch.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=torch.float64, requires_grad=True)
    torch.linalg.det(a).backward()
    close(a.grad, [[4.0, -2.0], [-2.0, 1.0]])


def test_norms_rank_and_least_squares():
    a = torch.tensor([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]], dtype=torch.float64)
    assert torch.linalg.matrix_rank(a).item() == 1
    assert torch.linalg.matrix_norm(a, 1).item() == 12.0
    assert torch.linalg.norm(a, float("inf")).item() == 9.0
    found = torch.linalg.lstsq(a, torch.tensor([[1.0], [2.0], [3.0]], dtype=torch.float64))
    close(found.solution, [[0.2], [0.4]])
    assert found.rank.item() == 1 and found.residuals.shape == (0,)
    assert torch.linalg.multi_dot([a, a.mT, a]).shape == (3, 2)


def test_tensordot_to_a_tensor_of_another_shape():
    a = torch.arange(8.0).reshape(2, 2, 2)
    out = torch.zeros(0)
    assert torch.tensordot(a, a, 2, out=out) is out
    assert out.tolist() == [[28.0, 34.0], [76.0, 98.0]]
    with pytest.raises(RuntimeError, match="have dtype Float, but got an output tensor with dtype"):
        torch.tensordot(a, a, 2, out=torch.zeros(2, 2, dtype=torch.int32))


def test_tensordot_of_integers_adds_up_broadcast_dimensions_in_their_dtype():
    one = torch.ones(1, 1, 1, dtype=torch.int32)
    result = torch.tensordot(one, torch.ones(2, 1, 2, dtype=torch.int32), ((0, 1), (2, 0)))
    assert result.dtype is torch.int32
    assert result.tolist() == [[4]]


def test_reflectors_that_are_not_there_get_no_gradient():
    vectors, factors = [torch.ones(*s, requires_grad=True) for s in ((0, 2), (0,))]
    other = torch.ones(0, 2, requires_grad=True)
    torch.ormqr(vectors, factors, other).sum().backward()
    assert vectors.grad is None
    assert factors.grad is None
    assert tuple(other.grad.shape) == (0, 2)
