"""PyTorch's words about products of matrices."""

from __future__ import annotations

from collections.abc import Sequence

_SCALAR_TYPE_WORDS = {
    "Byte": "unsigned char",
    "Char": "signed char",
    "Short": "short int",
    "Int": "int",
    "Long": "long int",
    "Bool": "bool",
    "Half": "c10::Half",
    "BFloat16": "c10::BFloat16",
    "Float": "float",
    "Double": "double",
    "ComplexFloat": "c10::complex<float>",
    "ComplexDouble": "c10::complex<double>",
}


def mm_shapes(left: Sequence[int], right: Sequence[int]) -> RuntimeError:
    """The inner sizes of two matrices differ."""
    return RuntimeError(
        f"mat1 and mat2 shapes cannot be multiplied ({left[0]}x{left[1]} and {right[0]}x{right[1]})"
    )


def mm_dtypes(left: str, right: str) -> RuntimeError:
    """Two matrices have different dtypes."""
    return RuntimeError(
        "expected m1 and m2 to have the same dtype, but got: "
        f"{_SCALAR_TYPE_WORDS.get(left, left)} != {_SCALAR_TYPE_WORDS.get(right, right)}"
    )


def must_be_matrix(name: str) -> RuntimeError:
    """An argument of ``mm`` is no matrix."""
    return RuntimeError(f"{name} must be a matrix")


def not_implemented(kernel: str, type_name: str) -> NotImplementedError:
    """PyTorch has no kernel for a dtype."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{type_name}'")


def mv_ranks(*ranks: int) -> RuntimeError:
    """Arguments of ``mv`` or ``addmv`` have other ranks."""
    return RuntimeError(
        f"vector + matrix @ vector expected, got {', '.join(map(str, ranks))}"
    )


def mv_sizes(result: int, matrix: Sequence[int], vector: int) -> RuntimeError:
    """The sizes of a matrix and a vector differ."""
    return RuntimeError(
        f"size mismatch, got input ({result}), mat ({matrix[0]}x{matrix[1]}), vec ({vector})"
    )


def mv_dtypes(*names: str) -> RuntimeError:
    """A matrix and a vector have different dtypes."""
    first, second, third = names
    return RuntimeError(
        f"addmv input tensors must have the same dtype, but got {first}, {second}, and {third}"
    )


def dot_ranks(left: int, right: int) -> RuntimeError:
    """Arguments of ``dot`` are no vectors."""
    return RuntimeError(f"1D tensors expected, but got {left}D and {right}D tensors")


def dot_dtypes(left: str, right: str) -> RuntimeError:
    """Two vectors have different dtypes."""
    return RuntimeError(
        f"dot : expected both vectors to have same dtype, but found {left} and {right}"
    )


def dot_sizes(left: int, right: int) -> RuntimeError:
    """Two vectors have different lengths."""
    return RuntimeError(
        f"inconsistent tensor size, expected tensor [{left}] and src [{right}] to have the same "
        f"number of elements, but got {left} and {right} elements respectively"
    )


def bmm_rank(name: str) -> RuntimeError:
    """An argument of ``bmm`` is no batch of matrices."""
    return RuntimeError(f"{name} must be a 3D tensor")


def bmm_sizes(wanted: Sequence[int], got: Sequence[int]) -> RuntimeError:
    """Two batches do not fit together."""
    return RuntimeError(
        "Expected size for first two dimensions of batch2 tensor to be: "
        f"{list(wanted)} but got: {list(got)}."
    )


def scalar_types(expected: str, found: str) -> RuntimeError:
    """Two operands have different dtypes, as most kernels put it."""
    return RuntimeError(f"expected scalar type {expected} but found {found}")


def matmul_ranks(left: int, right: int) -> RuntimeError:
    """``matmul`` of a tensor without dimensions."""
    return RuntimeError(
        f"both arguments to matmul need to be at least 1D, but they are {left}D and {right}D"
    )


def addmm_matrix(name: str, ndim: int) -> RuntimeError:
    """A factor of ``addmm`` is no matrix."""
    return RuntimeError(f"{name} must be a matrix, got {ndim}-D tensor")


def addend_dtypes(first: str, second: str) -> RuntimeError:
    """The addend of ``addmm`` has another dtype."""
    return RuntimeError(
        f"self and mat2 must have the same dtype, but got {first} and {second}"
    )


def vector_expected(name: str, argument: str, ndim: int) -> RuntimeError:
    """An outer product of something that is no vector."""
    return RuntimeError(f"{name}: Expected 1-D argument {argument}, but got {ndim}-D")


def linear_ranks(left: int, right: int) -> RuntimeError:
    """``linear`` of a tensor without dimensions."""
    return RuntimeError(
        f"both arguments to linear need to be at least 1D, but they are {left}D and {right}D"
    )
