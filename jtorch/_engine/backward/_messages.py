"""What transforms of functions (``torch.func``) say when they cannot go on."""

from __future__ import annotations


def looked_at(transform: str) -> RuntimeError:
    """A transformed function looked at a value."""
    return RuntimeError(
        f"{transform}: It looks like you're calling .item() on a Tensor. We don't support "
        f"{transform} over calling .item() on a Tensor, please try to rewrite what you're doing "
        "with other operations. If error is occurring somewhere inside PyTorch internals, please "
        "file a bug report."
    )


def random_in_error_mode() -> RuntimeError:
    """Random numbers are drawn under ``vmap(randomness="error")``."""
    return RuntimeError(
        "vmap: called random operation while in randomness error mode. Please either use the "
        "'same' or 'different' randomness flags on vmap or perform the randomness operation out "
        "of vmap"
    )


def random_different() -> NotImplementedError:
    """Random numbers are drawn under ``vmap(randomness="different")``."""
    return NotImplementedError(
        "jtorch has no vmap(randomness='different'): draw the numbers outside and map over them"
    )


def write_to_unbatched() -> RuntimeError:
    """``vmap`` of a write of slices to a tensor that has none."""
    return RuntimeError(
        "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a "
        "Tensor `other` in extra_args that has more elements than `self`. This happened due to "
        "`other` being vmapped over but `self` not being vmapped over in a vmap. Please try to "
        "use out-of-place operators instead of inplace arithmetic. If said operator is being "
        "called inside the PyTorch framework, please file a bug report instead."
    )
