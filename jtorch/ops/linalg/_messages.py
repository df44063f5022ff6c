"""PyTorch's words about linear algebra."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..._core import once
from ..._core.cpp_names import type_name as c_type_name
from ..._core.cpp_names import type_name_of
from ..._core.dtypes import dtype as DType
from ..._core.messages import type_name as type_name


class _LinAlgError(RuntimeError):
    """Raised by a function of ``torch.linalg`` whose data allow no answer."""

    __module__ = "torch._C"


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as PyTorch's messages show it."""
    return f"[{', '.join(map(str, shape))}]"


def matrix_needed(name: str, argument: str = "A") -> RuntimeError:
    """A tensor of fewer than two dimensions."""
    return RuntimeError(f"{name}: The input tensor {argument} must have at least 2 dimensions.")


def square_needed(name: str, rows: int, columns: int) -> RuntimeError:
    """Matrices that are not square."""
    return RuntimeError(
        f"{name}: A must be batches of square matrices, but they are {rows} by {columns} matrices"
    )


def inexact_needed(name: str, type_name: str) -> RuntimeError:
    """A dtype that is neither floating point nor complex."""
    return RuntimeError(
        f"{name}: Expected a floating point or complex tensor as input. Got {type_name}"
    )


def low_precision(name: str, type_name: str) -> RuntimeError:
    """A dtype of half precision."""
    return RuntimeError(f"{name}: Low precision dtypes not supported. Got {type_name}")


def not_positive_definite(name: str) -> Callable[[str, int], Exception]:
    """A Cholesky factorisation that came to its end early."""
    return lambda batch, info: _LinAlgError(
        f"{name}: {batch}The factorization could not be completed because the input is not "
        f"positive-definite (the leading minor of order {info} is not positive-definite)."
    )


def singular_inverse(name: str) -> Callable[[str, int], Exception]:
    """An inverse of a singular matrix."""
    return lambda batch, info: _LinAlgError(
        f"{name}: {batch}The diagonal element {info} is zero, the inversion could not be "
        "completed because the input matrix is singular."
    )


def singular_solve(name: str) -> Callable[[str, int], Exception]:
    """A system of equations with a singular matrix."""
    return lambda batch, info: _LinAlgError(
        f"{name}: {batch}The solver failed because the input matrix is singular."
    )


def singular_factor(name: str) -> Callable[[str, int], Exception]:
    """An LU factor with a zero on its diagonal."""
    return lambda batch, info: RuntimeError(
        f"{name}: {batch}U[{info},{info}] is zero and using it on lu_solve would result in a "
        "division by zero. If you still want to perform the factorization, consider calling "
        "linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
    )


def not_finite(name: str) -> Callable[[str, int], Exception]:
    """Singular values of a matrix with infinities or NaNs."""
    return lambda batch, info: _LinAlgError(
        f"{name}: {batch}The algorithm failed to converge because the input matrix contained "
        "non-finite values."
    )


def unknown_ldl_code(name: str) -> Callable[[str, int], Exception]:
    """An LDL factorisation with a zero block, which PyTorch has no words for."""
    return lambda batch, info: RuntimeError(
        'false INTERNAL ASSERT FAILED at "/__w/pytorch/pytorch/aten/src/ATen/native/'
        'BatchLinearAlgebra.cpp":1642, please report a bug to PyTorch. '
        f"{name}: {batch}Unknown error code: {info}."
    )


def eig_not_finite() -> RuntimeError:
    """Eigenvalues of a matrix with infinities or NaNs."""
    return RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs.")


def no_complex_of(type_name: str) -> RuntimeError:
    """A dtype that no complex dtype belongs to."""
    return RuntimeError(f"Unknown Complex ScalarType for {type_name}")


def wrong_triangle(uplo: str) -> RuntimeError:
    """Neither the lower nor the upper triangle."""
    return RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {uplo}")


def no_driver() -> RuntimeError:
    """A choice of algorithm that only CUDA has."""
    return RuntimeError(
        "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with "
        "cuSOLVER backend."
    )


def svd_rank(ndim: int) -> RuntimeError:
    """The former ``torch.svd`` of something that is no matrix."""
    return RuntimeError(
        f"linalg.svd: input should have at least 2 dimensions, but has {ndim} dimensions instead"
    )


def qr_mode(mode: str) -> RuntimeError:
    """A mode that ``qr`` does not have."""
    return RuntimeError(
        f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', "
        "or 'complete'"
    )


def qr_without_q() -> RuntimeError:
    """A gradient through ``qr(mode="r")``."""
    return RuntimeError(
        "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please "
        "use linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
    )


def qr_complete() -> RuntimeError:
    """A gradient through a complete ``qr`` of a tall matrix."""
    return RuntimeError(
        "The QR decomposition is not differentiable when mode='complete' and nrows > ncols."
    )


def lu_rank(name: str, shape: Sequence[int]) -> RuntimeError:
    """LU of something that is no matrix."""
    return RuntimeError(
        f"{name}: Expected tensor with 2 or more dimensions. Got size: {shape_text(shape)} instead"
    )


def lu_without_pivots() -> RuntimeError:
    """LU without pivoting."""
    return RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")


def unpack_pivots() -> RuntimeError:
    """Pivots of another dtype than LAPACK's."""
    return RuntimeError(
        "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n"
        "Note: this function is intended to be used with the output produced by "
        "torch.linalg.lu_factor"
    )


def tril_rank() -> RuntimeError:
    """A gradient through the factors that ``lu_unpack`` left out."""
    return RuntimeError("tril: input tensor must have at least 2 dimensions")


def no_derivative(name: str) -> NotImplementedError:
    """The gradient of an operator whose gradient PyTorch has not written."""
    return NotImplementedError(f"the derivative for '{name}' is not implemented.")


def must(name: str, what: str) -> RuntimeError:
    """Something that a function demands of its arguments."""
    return RuntimeError(f"{name}: {what}")


def same_dtypes(name: str, first: str, one: str, second: str, other: str) -> RuntimeError:
    """Two operands of different dtypes."""
    return RuntimeError(
        f"{name}: Expected {first} and {second} to have the same dtype, but found {first} of type "
        f"{one} and {second} of type {other} instead"
    )


def solver_shapes(name: str, left: bool, a: Sequence[int], b: Sequence[int]) -> RuntimeError:
    """A system of equations whose sides do not fit."""
    equation = "AX = B" if left else "XA = B"
    return RuntimeError(
        f"{name}: Incompatible shapes of A and B for the equation {equation} "
        f"({a[-2]}x{a[-1]} and {b[-2]}x{b[-1]})"
    )


def old_solver_dtypes(b: str, a: str) -> RuntimeError:
    """The sides of a system for one of the older functions have different dtypes."""
    return RuntimeError(
        f"Expected b and A to have the same dtype, but found b of type {b} and A of type {a} "
        "instead."
    )


def old_solver_square(rows: int, columns: int) -> RuntimeError:
    """The matrix of one of the older functions is not square."""
    return RuntimeError(
        f"A must be batches of square matrices, but they are {rows} by {columns} matrices"
    )


def old_solver_shapes(name: str, a: Sequence[int], b: Sequence[int]) -> RuntimeError:
    """The sides of a system for one of the older functions do not fit."""
    return RuntimeError(
        f"Incompatible matrix sizes for {name}: each A matrix is {a[-1]} by {a[-1]} but each b "
        f"matrix is {b[-2]} by {b[-1]}"
    )


def left_vector() -> RuntimeError:
    """A vector on the side where it means nothing."""
    return RuntimeError(
        "linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. "
        "In this case linalg.solve is equivalent to B / A.squeeze(-1)"
    )


def pinv_input(type_name: str, shape: Sequence[int]) -> RuntimeError:
    """A pseudo-inverse of something that has none."""
    return RuntimeError(
        f"linalg.pinv({type_name}{{{shape_text(shape)}}}): expected a tensor with 2 or more "
        "dimensions of float, double, cfloat or cdouble types"
    )


def eps_type() -> RuntimeError:
    """A tolerance for a dtype that PyTorch knows none for."""
    return RuntimeError("This function doesn't handle types other than float and double")


def out_dtype(wanted: str, given: str) -> RuntimeError:
    """A tensor given as ``out`` whose dtype is not the result's."""
    return RuntimeError(
        f"Expected out tensor to have dtype {type_name_of(wanted)}, but got "
        f"{type_name_of(given)} instead"
    )


_DEPRECATED = {
    "cholesky": (
        "torch.cholesky is deprecated in favor of torch.linalg.cholesky and will be removed in a "
        "future PyTorch release.\nL = torch.cholesky(A)\nshould be replaced with\n"
        "L = torch.linalg.cholesky(A)\nand\nU = torch.cholesky(A, upper=True)\n"
        "should be replaced with\nU = torch.linalg.cholesky(A).mH\n"
        "This transform will produce equivalent results for all valid (symmetric positive "
        "definite) inputs."
    ),
    "qr": (
        "torch.qr is deprecated in favor of torch.linalg.qr and will be removed in a future "
        "PyTorch release.\nThe boolean parameter 'some' has been replaced with a string parameter "
        "'mode'.\nQ, R = torch.qr(A, some)\nshould be replaced with\n"
        "Q, R = torch.linalg.qr(A, 'reduced' if some else 'complete')"
    ),
    "lu": (
        "torch.lu is deprecated in favor of torch.linalg.lu_factor / torch.linalg.lu_factor_ex "
        "and will be removed in a future PyTorch release.\nLU, pivots = torch.lu(A, "
        "compute_pivots)\nshould be replaced with\nLU, pivots = torch.linalg.lu_factor(A, "
        "compute_pivots)\nand\nLU, pivots, info = torch.lu(A, compute_pivots, get_infos=True)\n"
        "should be replaced with\nLU, pivots, info = torch.linalg.lu_factor_ex(A, compute_pivots)"
    ),
    "lu_solve": (
        "torch.lu_solve is deprecated in favor of torch.linalg.lu_solveand will be removed in a "
        "future PyTorch release.\nNote that torch.linalg.lu_solve has its arguments reversed.\n"
        "X = torch.lu_solve(B, LU, pivots)\nshould be replaced with\n"
        "X = torch.linalg.lu_solve(LU, pivots, B)"
    ),
    "triangular_solve": (
        "torch.triangular_solve is deprecated in favor of torch.linalg.solve_triangularand will "
        "be removed in a future PyTorch release.\ntorch.linalg.solve_triangular has its arguments "
        "reversed and does not return a copy of one of the inputs.\n"
        "X = torch.triangular_solve(B, A).solution\nshould be replaced with\n"
        "X = torch.linalg.solve_triangular(A, B)."
    ),
}


def warn_deprecated(name: str) -> None:
    """One of the older functions: once in a process."""
    once.warn(name, _DEPRECATED[name])


_REMOVED = {
    "matrix_rank": (
        "\n"
        "Please use the `torch.linalg.matrix_rank` function instead. The parameter "
        "'symmetric' was renamed in `torch.linalg.matrix_rank()` to 'hermitian'."
    ),
    "solve": (
        " `torch.solve` is deprecated in favor of `torch.linalg.solve`. `torch.linalg.solve` "
        "has its arguments reversed and does not return the LU factorization.\n"
        "\n"
        "To get the LU factorization see `torch.lu`, which can be used with `torch.lu_solve` "
        "or `torch.lu_unpack`.\n"
        "X = torch.solve(B, A).solution should be replaced with:\n"
        "X = torch.linalg.solve(A, B)"
    ),
    "lstsq": (
        " `torch.lstsq` is deprecated in favor of `torch.linalg.lstsq`.\n"
        "`torch.linalg.lstsq` has reversed arguments and does not return the QR "
        "decomposition in the returned tuple (although it returns other information about "
        "the problem).\n"
        "\n"
        "To get the QR decomposition consider using `torch.linalg.qr`.\n"
        "\n"
        "The returned solution in `torch.lstsq` stored the residuals of the solution in the "
        "last m - n columns of the returned value whenever m > n. In torch.linalg.lstsq, the "
        "residuals are in the field 'residuals' of the returned named tuple.\n"
        "\n"
        "The unpacking of the solution, as in\n"
        "X, _ = torch.lstsq(B, A).solution[:A.size(1)]\n"
        "should be replaced with:\n"
        "X = torch.linalg.lstsq(A, B).solution"
    ),
    "eig": (
        " `torch.linalg.eig` returns complex tensors of dtype `cfloat` or `cdouble` rather "
        "than real tensors mimicking complex tensors.\n"
        "\n"
        "L, _ = torch.eig(A) should be replaced with:\n"
        "L_complex = torch.linalg.eigvals(A)\n"
        "\n"
        "and\n"
        "\n"
        "L, V = torch.eig(A, eigenvectors=True) should be replaced with:\n"
        "L_complex, V_complex = torch.linalg.eig(A)"
    ),
    "symeig": (
        " The default behavior has changed from using the upper triangular portion of the "
        "matrix by default to using the lower triangular portion.\n"
        "\n"
        "L, _ = torch.symeig(A, upper=upper) should be replaced with:\n"
        "L = torch.linalg.eigvalsh(A, UPLO='U' if upper else 'L')\n"
        "\n"
        "and\n"
        "\n"
        "L, V = torch.symeig(A, eigenvectors=True) should be replaced with:\n"
        "L, V = torch.linalg.eigh(A, UPLO='U' if upper else 'L')"
    ),
}


def removed(name: str) -> RuntimeError:
    """A function that PyTorch took away."""
    return RuntimeError(
        "This function was deprecated since version 1.9 and is now removed." + _REMOVED[name]
    )


def multi_dot_out(given: str, result: str) -> RuntimeError:
    """A product of several matrices to a tensor of another dtype."""
    return RuntimeError(
        f"multi_dot(): expected out tensor to have dtype {type_name_of(result)} but got "
        f"{type_name_of(given)}"
    )


def similarity_dtype(type_name: str) -> RuntimeError:
    """``cosine_similarity`` of integers."""
    return RuntimeError(
        f"expected common dtype to be floating point, yet common dtype is {type_name}"
    )


def bilinear_dtypes(given: dict[str, DType]) -> RuntimeError:
    """``bilinear`` of tensors of different dtypes."""
    each = ", ".join(f"{name}: {c_type_name(dtype)}" for name, dtype in given.items())
    return RuntimeError(f"All tensors must have the same dtype, got {each}")


def bilinear_ranks(first: int, second: int) -> RuntimeError:
    """Inputs of ``bilinear`` with different numbers of dimensions."""
    return RuntimeError(f"bilinear(): input dimensions do not match: got {first} and {second}")


def bilinear_batch(dim: int, first: int, second: int) -> RuntimeError:
    """Inputs of ``bilinear`` of different batches."""
    return RuntimeError(
        f"bilinear(): input batch dimensions do not match at dim {dim}: got {first} and {second}"
    )


def bilinear_size(name: str, size: int, expected: int) -> RuntimeError:
    """A tensor of ``bilinear`` does not fit the weight."""
    return RuntimeError(
        f"bilinear(): {name} size does not match weight size: got {size} but expected {expected}"
    )
