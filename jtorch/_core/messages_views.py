"""What PyTorch says of views, of memory that overlaps, and of storages."""

from __future__ import annotations

from collections.abc import Sequence


def view_inplace(
    without_grad: bool, several: bool, output: int, node_name: str, derived: bool
) -> RuntimeError:
    """A view that autograd cannot follow a write to is written in place."""
    if without_grad and derived:
        name = node_name.removesuffix("0").removesuffix("Backward")
        text = (
            f"Output {output} of {name} is a view of a view which was created in no_grad mode and "
            "is being modified inplace with grad mode enabled."
        )
    elif without_grad:
        text = (
            "A view was created in no_grad mode and is being modified inplace with grad mode "
            "enabled."
        )
    else:
        name = node_name.removesuffix("0").removesuffix("Backward")
        text = f"Output {output} of {name} is a view and is being modified inplace."
    if several:
        text += (
            " This view is the output of a function that returns multiple views. Such functions "
            "do not allow the output views to be modified inplace. You should replace the inplace "
            "operation by an out-of-place one."
        )
    else:
        text += (
            " Given that this use case is ambiguous and error-prone, it is forbidden. You can "
            "clarify your code by moving both the view and the inplace either both inside the "
            "no_grad block (if you don't want the inplace to be tracked) or both outside (if you "
            "want the inplace to be tracked)."
        )
    return RuntimeError(text)


def overlapping_write() -> RuntimeError:
    """Several elements of a tensor that is written lie at one place."""
    return RuntimeError(
        "unsupported operation: more than one element of the written-to tensor refers to a single "
        "memory location. Please clone() the tensor before performing the operation."
    )


def partly_overlapping() -> RuntimeError:
    """A tensor that is written shares some of its memory with an operand."""
    return RuntimeError(
        "unsupported operation: some elements of the input tensor and the written-to tensor refer "
        "to a single memory location. Please clone() the tensor before performing the operation."
    )


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
