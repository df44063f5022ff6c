"""What PyTorch says of views, of memory that overlaps, and of storages."""

from __future__ import annotations

from collections.abc import Sequence


def cannot_detach_view() -> RuntimeError:
    """``detach_()`` of a view."""
    return RuntimeError(
        "Can't detach views in-place. Use detach() instead. If you are using "
        "DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as True, "
        "gradients are views of DDP buckets, and hence detach_() cannot be called on these "
        "gradients. To fix this error, please refer to the Optimizer.zero_grad() function in "
        "torch/optim/optimizer.py as the solution."
    )


def outside_storage(
    size: Sequence[int],
    stride: Sequence[int],
    offset: int,
    itemsize: int,
    needed: int,
    available: int,
) -> RuntimeError:
    """A strided view reaches beyond its storage."""
    return RuntimeError(
        f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and "
        f"itemsize {itemsize} requiring a storage size of {needed} are out of bounds for storage "
        f"of size {available}"
    )


def select_out_of_range(index: int, shape: Sequence[int], dim: int) -> IndexError:
    """``select`` of an index that does not exist."""
    return IndexError(
        f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {dim}"
    )


def conjugated_as_real() -> RuntimeError:
    """``view_as_real`` of a conjugated view."""
    return RuntimeError(
        "view_as_real doesn't work on unresolved conjugated tensors.  To resolve the conjugate "
        "tensor so you can view it as real, use self.resolve_conj(); however, be warned that the "
        "resulting tensor will NOT alias the original."
    )


def flipped_as_dtype(kind: str) -> RuntimeError:
    """``view(dtype)`` of a view that is ``kind``: ``conjugate`` or ``negative``."""
    return RuntimeError(
        f"torch.Tensor.view is not supported for {kind} view tensors when converting to a "
        "different dtype."
    )


def not_expandable(wanted: tuple[int, ...], own: tuple[int, ...]) -> RuntimeError:
    """``sum_to_size`` to a shape that does not broadcast to the tensor's."""
    return RuntimeError(f"size {{{list(wanted)}}} is not expandable to size {{{list(own)}}}.")


def split_points_rank(ndim: int) -> RuntimeError:
    """``tensor_split`` at a tensor of more than one dimension."""
    return RuntimeError(
        "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
        f"one-dimensional tensor, but got a tensor with {ndim} dims"
    )


def split_points_dtype(type_name: str) -> RuntimeError:
    """``tensor_split`` at a tensor of another dtype than int64."""
    return RuntimeError(
        "tensor_split expected tensor_indices_or_sections to have dtype of long, but got "
        + type_name
    )
