"""PyTorch's words about products of matrices."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from ..._core import once
from ..._core.cpp_names import type_name_of


def mm_dtypes(left: str, right: str) -> RuntimeError:
    """Two matrices have different dtypes."""
    return RuntimeError(
        "expected m1 and m2 to have the same dtype, but got: "
        f"{type_name_of(left)} != {type_name_of(right)}"
    )


def must_be_matrix(name: str) -> RuntimeError:
    """An argument of ``mm`` is no matrix."""
    return RuntimeError(f"{name} must be a matrix")


def mv_ranks(*ranks: int) -> RuntimeError:
    """Arguments of ``mv`` or ``addmv`` have other ranks."""
    return RuntimeError(f"vector + matrix @ vector expected, got {', '.join(map(str, ranks))}")


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
    return RuntimeError(f"self and mat2 must have the same dtype, but got {first} and {second}")


def factor_dtypes(left: str, right: str) -> RuntimeError:
    """The factors of ``addmm``, or of a layer's product, differ in dtype."""
    return RuntimeError(f"mat1 and mat2 must have the same dtype, but got {left} and {right}")


def vector_expected(name: str, argument: str, ndim: int) -> RuntimeError:
    """An outer product of something that is no vector."""
    return RuntimeError(f"{name}: Expected 1-D argument {argument}, but got {ndim}-D")


def linear_ranks(left: int, right: int) -> RuntimeError:
    """``linear`` of a tensor without dimensions."""
    return RuntimeError(
        f"both arguments to linear need to be at least 1D, but they are {left}D and {right}D"
    )


def inner_sizes(left: Sequence[int], right: Sequence[int]) -> RuntimeError:
    """``inner`` of tensors whose last sizes differ."""
    return RuntimeError(
        "inner() the last dimension must match on both input tensors but got shapes "
        f"{list(left)} and {list(right)}"
    )


def tensordot_out(result: str, given: str) -> RuntimeError:
    """``tensordot`` to a tensor of another dtype."""
    return RuntimeError(
        f"tensordot: Expected the output tensor to have dtype {result}, but got an output tensor "
        f"with dtype {given}"
    )


def tensordot_dtypes() -> RuntimeError:
    """``tensordot`` of tensors of different dtypes."""
    return RuntimeError("both inputs should have same dtype")


def tensordot_dims(dims: int) -> RuntimeError:
    """``tensordot`` over more dimensions than there are."""
    return RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")


def tensordot_lists(left: Sequence[int], right: Sequence[int]) -> RuntimeError:
    """``tensordot`` over lists of different lengths."""
    return RuntimeError("both dimension lists should have same length")


def tensordot_sizes(left: int, left_dim: int, right: int, right_dim: int) -> RuntimeError:
    """``tensordot`` over dimensions of different sizes."""
    return RuntimeError(
        f"contracted dimensions need to match, but first has size {left} in dim {left_dim} and "
        f"second has size {right} in dim {right_dim}"
    )


def cross_ranks(left: int, right: int) -> RuntimeError:
    """``cross`` of tensors of different ranks."""
    return RuntimeError("linalg.cross: inputs must have the same number of dimensions.")


def cross_size(dim: int, left: int, right: int) -> RuntimeError:
    """``cross`` along a dimension of another size than 3."""
    return RuntimeError(
        f"linalg.cross: inputs dimension {dim} must have length 3. Got {left} and {right}"
    )


def cross_no_three() -> RuntimeError:
    """``cross`` without a dimension of size 3."""
    return RuntimeError("no dimension of size 3 in input")


def warn_chain_matmul() -> None:
    """``chain_matmul`` is deprecated."""
    warnings.warn(
        "torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use "
        "torch.linalg.multi_dot instead, which accepts a list of two or more tensors rather than "
        "multiple parameters.",
        stacklevel=3,
    )


def warn_cross() -> None:
    """``cross`` without ``dim``: once in a process."""
    once.warn(
        "cross",
        "Using torch.cross without specifying the dim arg is deprecated.\nPlease either pass the "
        "dim explicitly or simply use torch.linalg.cross.\nThe default value of dim will change "
        "to agree with that of linalg.cross in a future release.",
    )


def einsum_arguments() -> ValueError:
    """``einsum`` without operands."""
    return ValueError(
        "einsum(): must specify the equation string and at least one operand, or at least one "
        "operand and its subscripts list"
    )


def einsum_sublist(number: int) -> RuntimeError:
    """``einsum`` with an index number out of range."""
    return RuntimeError(f"einsum(): subscript {number} is not within the valid range [0, 52)")


def einsum_operands(more: bool) -> RuntimeError:
    """``einsum`` with another number of operands than its equation has."""
    if more:
        return RuntimeError("einsum(): more operands were provided than specified in the equation")
    return RuntimeError("einsum(): fewer operands were provided than specified in the equation")


def einsum_letter(letter: str, position: int) -> RuntimeError:
    """``einsum`` with a subscript that is no letter."""
    return RuntimeError(
        f"einsum(): invalid subscript given at index {position} in the equation string, "
        "subscripts must be in [a-zA-Z]"
    )


def einsum_rank(letters: int, ndim: int, position: int, ellipsis: bool) -> RuntimeError:
    """``einsum`` with another number of subscripts than dimensions."""
    if ellipsis:
        return RuntimeError(
            f"einsum(): the number of subscripts in the equation ({letters}) is more than the "
            f"number of dimensions ({ndim}) for operand {position}"
        )
    return RuntimeError(
        f"einsum(): the number of subscripts in the equation ({letters}) does not match the number "
        f"of dimensions ({ndim}) for operand {position} and no ellipsis was given"
    )


def einsum_size(letter: str, size: int, position: int, seen: int) -> RuntimeError:
    """``einsum`` with a subscript of two sizes."""
    return RuntimeError(
        f"einsum(): subscript {letter} has size {size} for operand {position} which does not "
        f"broadcast with previously seen size {seen}"
    )


def einsum_repeated(letter: str) -> RuntimeError:
    """``einsum`` with a subscript twice in the result."""
    return RuntimeError(f"einsum(): output subscript {letter} appears more than once in the output")


def einsum_unknown(letter: str) -> RuntimeError:
    """``einsum`` with a subscript in the result alone."""
    return RuntimeError(
        f"einsum(): output subscript {letter} does not appear in the equation for any input operand"
    )


def no_out_dtype(name: str) -> NotImplementedError:
    """A product of matrices in another dtype than the matrices'."""
    return NotImplementedError(
        f"Could not run 'aten::{name}.dtype' with arguments from the 'CPU' backend. This could be "
        "because the operator doesn't exist for this backend, or was omitted during the "
        "selective/custom build process (if using custom build). If you are a Facebook employee "
        "using PyTorch on mobile, please visit https://fburl.com/ptmfixes for possible resolutions."
    )
