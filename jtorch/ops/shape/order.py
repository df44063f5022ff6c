"""Views that reorder dimensions, made of permute and transpose: movedim, ``T``, ``mT``, ``H``."""

from __future__ import annotations

from typing import Any

from ..._core import once
from ..._engine.declare import op, publish
from ..._engine.recording.kinds.base import normalise_dim


@op(
    "movedim(Tensor input, int64_t source, int64_t destination)",
    "movedim(Tensor input, IntArrayRef source, IntArrayRef destination)",
    aliases=("moveaxis",),
    arguments="count",
)
def movedim(input, source, destination):
    """Move dimensions to other places; the others keep their order.

    Args:
        source, destination: an int each, or as many ints each.
    Returns:
        A view.
    """
    sources = tuple(source) if isinstance(source, (tuple, list)) else (source,)
    destinations = tuple(destination) if isinstance(destination, (tuple, list)) else (destination,)
    ndim = input.ndim
    if len(sources) != len(destinations):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(sources)} dims) should "
            f"contain the same number of dims as destination ({list(destinations)} dims)"
        )
    from_dims = [normalise_dim(dim, ndim) for dim in sources]
    to_dims = [normalise_dim(dim, ndim) for dim in destinations]
    if len(set(from_dims)) != len(from_dims):
        raise RuntimeError(f"movedim: repeated dim in `source` ({list(sources)})")
    if len(set(to_dims)) != len(to_dims):
        raise RuntimeError(f"movedim: repeated dim in `destination` ({list(destinations)})")
    order = [-1] * ndim
    for origin, place in zip(from_dims, to_dims, strict=True):
        if ndim:
            order[place] = origin
    rest = iter([dim for dim in range(ndim) if dim not in from_dims])
    return input.permute([next(rest) if dim == -1 else dim for dim in order])


@op("adjoint(Tensor input)", arguments="count")
def adjoint(input):
    """Transpose the last two dimensions and conjugate."""
    if input.ndim == 0:
        _warn("adjoint", "adjoint() is deprecated on 0-D tensors. Consider using x.conj().")
    return _adjoint(input, "tensor.adjoint()")


def _adjoint(tensor: Any, name: str) -> Any:
    if tensor.ndim == 1:
        raise RuntimeError(
            f"{name} is only supported on matrices or batches of matrices. Got 1-D tensor."
        )
    turned = tensor.transpose(-2, -1) if tensor.ndim else tensor
    return turned.conj() if turned.dtype.is_complex else turned


_IDENTITY = "Tensor.{} is deprecated on 0-D tensors. This function is the identity in these cases."


def _reversed(tensor: Any) -> Any:
    ndim = tensor.ndim
    if ndim == 0:
        _warn("T", _IDENTITY.format("T"))
    elif ndim != 2:
        _warn(
            "T of another dimension",
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is "
            "deprecated and it will throw an error in a future release. Consider `x.mT` to "
            "transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to "
            "reverse the dimensions of a tensor.",
        )
    return tensor.permute(tuple(range(ndim - 1, -1, -1)))


def _matrix_transposed(tensor: Any) -> Any:
    if tensor.ndim == 0:
        _warn("mT", _IDENTITY.format("mT"))
        return tensor
    if tensor.ndim == 1:
        raise RuntimeError(
            "tensor.mT is only supported on matrices or batches of matrices. Got 1-D tensor."
        )
    return tensor.transpose(-2, -1)


def _hermitian(tensor: Any) -> Any:
    if tensor.ndim == 0:
        _warn("H", "Tensor.H is deprecated on 0-D tensors. Consider using x.conj().")
        return tensor.conj() if tensor.dtype.is_complex else tensor
    if tensor.ndim != 2:
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {tensor.ndim}-D tensor."
            + (" For batches of matrices, consider using tensor.mH" if tensor.ndim > 2 else "")
        )
    return _adjoint(tensor, "tensor.H")


def _batch_hermitian(tensor: Any) -> Any:
    if tensor.ndim == 0:
        _warn("mH", "Tensor.mH is deprecated on 0-D tensors. Consider using x.conj().")
    return _adjoint(tensor, "tensor.mH")


def _warn(name: str, text: str) -> None:
    once.warn(name, text)


publish("T", method=property(_reversed, doc="The tensor with its dimensions reversed, a view."))
publish(
    "mT",
    method=property(_matrix_transposed, doc="The tensor with its last two dimensions exchanged."),
)
publish("H", method=property(_hermitian, doc="The matrix transposed and conjugated."))
publish(
    "mH",
    method=property(_batch_hermitian, doc="The last two dimensions exchanged, and conjugated."),
)
