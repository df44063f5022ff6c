"""PyTorch's words about dropout."""

from __future__ import annotations

import warnings


def probability(p: float, error: type[Exception]) -> Exception:
    """A probability is none. ``torch.dropout`` and ``nn.functional`` raise different classes."""
    return error(f"dropout probability has to be between 0 and 1, but got {p}")


def feature_rank() -> RuntimeError:
    """Channels are to be dropped of a tensor that has none."""
    return RuntimeError("Feature dropout requires at least 2 dimensions in the input")


def one_spatial_rank(ndim: int) -> RuntimeError:
    """``dropout1d`` of a wrong rank."""
    return RuntimeError(
        f"dropout1d: Expected 2D or 3D input, but received a {ndim}D input. Note that dropout1d "
        "exists to provide channel-wise dropout on inputs with 1 spatial dimension, a channel "
        "dimension, and an optional batch dimension (i.e. 2D or 3D inputs)."
    )


def warn_spatial_rank(name: str, spatial: int, ndim: int) -> None:
    """``dropout2d`` or ``dropout3d`` is given a tensor of another rank than images have."""
    low, high = spatial + 1, spatial + 2
    warnings.warn(
        f"{name}: Received a {ndim}-D input to {name}, which is deprecated and will result in an "
        "error in a future release. To retain the behavior and silence this warning, please use "
        f"dropout instead. Note that {name} exists to provide channel-wise dropout on inputs with "
        f"{spatial} spatial dimensions, a channel dimension, and an optional batch dimension "
        f"(i.e. {low}D or {high}D inputs).",
        stacklevel=3,
    )


def warn_no_batch() -> None:
    """``dropout2d`` takes three dimensions for a batch of sequences."""
    warnings.warn(
        "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout "
        "behavior is desired - input is interpreted as shape (N, C, L), where C is the channel "
        "dim. This behavior will change in a future release to interpret the input as one without "
        "a batch dimension, i.e. shape (C, H, W). To maintain the 1D channel-wise dropout "
        "behavior, please switch to using dropout1d instead.",
        stacklevel=3,
    )


def rrelu_bounds() -> RuntimeError:
    """The slopes of ``rrelu`` are drawn from an interval that is upside down."""
    return RuntimeError("Lower bound should be less than or equal to the upper bound")


def warn_gumbel_epsilon() -> None:
    """``gumbel_softmax`` is given an epsilon."""
    warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=3)


def rrelu_of_slices() -> RuntimeError:
    """``vmap`` of ``rrelu``, which draws for negative elements alone."""
    return RuntimeError("vmap: we do not yet support aten::rrelu. Please file an issue")
