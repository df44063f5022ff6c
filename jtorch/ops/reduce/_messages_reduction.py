"""PyTorch's words about reductions, sorting and counting."""

from __future__ import annotations


def mean_of_integers(given: str, type_name: str) -> RuntimeError:
    """``mean`` in a dtype that is neither floating point nor complex."""
    return RuntimeError(
        f"mean(): could not infer output dtype. {given} dtype must be either a floating point or "
        f"complex dtype. Got: {type_name}"
    )


def nanmean_of_integers(type_name: str) -> RuntimeError:
    """``nanmean`` of a tensor that is neither floating point nor complex."""
    return RuntimeError(
        f"nanmean(): expected input to have floating point or complex dtype but got {type_name}"
    )


def no_complex(name: str) -> RuntimeError:
    """A reduction that has no meaning for complex numbers."""
    return RuntimeError(f"{name} does not support complex inputs")


def trace_rank(ndim: int) -> RuntimeError:
    """``trace`` of something that is no matrix."""
    return RuntimeError(f"trace: expected a matrix, but got tensor with dim {ndim}")


def moments_of_integers(name: str) -> RuntimeError:
    """``std`` or ``var`` of integers."""
    return RuntimeError(f"{name} only support floating point and complex dtypes")


def no_freedom(name: str) -> str:
    """Warn that the correction leaves nothing to divide by."""
    return (
        f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the "
        "reduction factor (input numel divided by output numel)."
    )


def needs_dim(name: str) -> RuntimeError:
    """An extremum of all elements where there are none."""
    return RuntimeError(
        f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
        "reduction dim with the 'dim' argument."
    )


def needs_dim_index(name: str) -> IndexError:
    """The position of an extremum of all elements where there are none."""
    return IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")


def aminmax_of_nothing() -> RuntimeError:
    """``aminmax`` over a dimension of size 0."""
    return RuntimeError(
        "aminmax(): cannot compute aminmax over an empty dimension as the operation has no "
        "identity."
    )


def does_not_support(name: str, what: str) -> RuntimeError:
    """An operator without meaning for complex or bool."""
    return RuntimeError(f"{name}(): does not support {what} input")


def _order_text(order: float) -> str:
    return f"{order:g}"


def norm_dtype(is_complex: bool, type_name: str) -> RuntimeError:
    """A norm is asked for in a dtype of another kind than the tensor's."""
    kind = ("floating point", "complex")[is_complex]
    whose = ("real", "complex")[is_complex]
    return RuntimeError(
        f"linalg.vector_norm: dtype should be {kind} for {whose} inputs, but got {type_name}"
    )


def norm_of_nothing(order: float) -> RuntimeError:
    """A norm without identity of no elements."""
    return RuntimeError(
        f"linalg.vector_norm cannot compute the {_order_text(order)} norm on an empty tensor "
        "because the operation does not have an identity"
    )


def norm_of_empty_dim(order: float, dim: int) -> RuntimeError:
    """A norm without identity over a dimension of size 0."""
    return RuntimeError(
        f"linalg.vector_norm cannot compute the {_order_text(order)} norm on the dimension {dim}"
        "because this dimension is empty and the operation does not have an identity"
    )


def aminmax_dim(dim: int) -> IndexError:
    """``aminmax`` along a dimension of size 0."""
    return IndexError(f"aminmax: Expected reduction dim {dim} to have non-zero size.")


def scalar_dim(name: str, dim: int) -> IndexError:
    """``cummax`` along a dimension that a 0-d tensor does not have."""
    return IndexError(f"{name}(): Expected reduction dim -1 or 0 for scalar but got {dim}")


def implicit_dim(name: str) -> str:
    """Warn that ``softmax`` guesses the dimension."""
    return (
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        "dim=X as an argument."
    )


def topk_range() -> RuntimeError:
    """``topk`` of more elements than there are."""
    return RuntimeError("selected index k out of range")


def kth_range(dim: int) -> RuntimeError:
    """``kthvalue`` of an element that there is not."""
    return RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}")


def not_bools(line: int) -> RuntimeError:
    return RuntimeError(
        'self.scalar_type() == at::kBool INTERNAL ASSERT FAILED at "/__w/pytorch/pytorch/aten/src/'
        f'ATen/native/ReduceOps.cpp":{line}, please report a bug to PyTorch. '
    )
