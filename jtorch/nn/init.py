"""Initial values of parameters: ``torch.nn.init``.

Every function draws what PyTorch draws, in the same order, so that a seed gives the same network.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import jtorch as torch

from .._runtime.function_overrides import takes_all_by_name
from .._tensor.tensor import Tensor

__all__ = [
    *("calculate_gain", "uniform_", "normal_", "trunc_normal_", "constant_", "ones_", "zeros_"),
    *("eye_", "dirac_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_"),
    *("kaiming_normal_", "orthogonal_", "sparse_", "uniform", "normal", "constant", "eye"),
    *("dirac", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal"),
    *("orthogonal", "sparse"),
]

_LINEAR = ("linear", "conv1d", "conv2d", "conv3d") + tuple(f"conv_transpose{n}d" for n in (1, 2, 3))
_GAINS = {
    **dict.fromkeys((*_LINEAR, "sigmoid"), 1),
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4,  # found by trial, PyTorch says, to keep the variance
}


def calculate_gain(nonlinearity: Any, param: float | None = None) -> float:
    """Return by how much to scale weights before a nonlinearity.

    Args:
        nonlinearity: its name as in ``torch.nn.functional``, or that of a linear layer.
        param: the negative slope of ``leaky_relu``, 0.01 by default.
    Raises:
        ValueError: there is no such name, or ``param`` is no number.
    """
    if nonlinearity == "leaky_relu":
        if param is None:
            param = 0.01
        elif isinstance(param, bool) or not isinstance(param, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + param**2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    return _GAINS[nonlinearity]


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Fill a tensor with draws that are uniform on ``[a, b)``."""
    with torch.no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Fill a tensor with normal draws of a mean and a standard deviation."""
    with torch.no_grad():
        return tensor.normal_(mean, std, generator=generator)


def _normal_cdf(x: float) -> float:
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Any = None,
) -> Tensor:
    """Fill a tensor with normal draws, those outside of ``[a, b]`` drawn again.

    Where the interval has little of the probability, uniform draws are accepted by the density
    instead (rejection sampling).
    """
    if tensor.is_meta:
        return tensor
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of "
            "values may be incorrect.",
            stacklevel=2,
        )
    with torch.no_grad():
        if _normal_cdf((b - mean) / std) - _normal_cdf((a - mean) / std) > 0.3:
            result = _redraw_outside(tensor, mean, std, a, b, generator)
        else:
            result = _accept_by_density(tensor, mean, std, a, b, generator)
        if result is not tensor:
            tensor.copy_(result)
        return tensor


def _redraw_outside(
    tensor: Any, mean: float, std: float, a: float, b: float, generator: Any
) -> Any:
    # The bounds as the dtype has them: what rounds to a bound is inside.
    low = tensor.new_tensor(a, device="cpu").item()
    high = tensor.new_tensor(b, device="cpu").item()
    result = tensor.normal_(mean, std, generator=generator)
    while True:
        outside = (result < low) | (result > high)
        if not outside.any():
            return result
        again = torch.empty_like(result).normal_(mean, std, generator=generator)
        result = torch.where(outside, again, result)


def _accept_by_density(
    tensor: Any, mean: float, std: float, a: float, b: float, generator: Any
) -> Any:
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2

    def log_density(draws: Any) -> Any:
        return draws.sub_(mean).div_(std).pow_(2).mul_(-0.5).sub_(peak)

    candidates = torch.empty_like(tensor)
    thresholds = torch.empty_like(tensor)
    result = tensor.uniform_(a, b, generator=generator)
    density = log_density(candidates.copy_(tensor))
    pending = thresholds.uniform_(generator=generator).log_().gt(density)
    while pending.any():
        candidates.uniform_(a, b, generator=generator)
        result = torch.where(pending, candidates, result)
        density = log_density(candidates)
        refused = thresholds.uniform_(generator=generator).log_().gt(density)
        pending = torch.where(pending, refused, pending)
    return result


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill a tensor with a number."""
    with torch.no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill a tensor with ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill a tensor with zeros."""
    with torch.no_grad():
        return tensor.zero_()


def eye_(tensor: Tensor) -> Tensor:
    """Make a matrix the identity, as far as it is square.

    Raises:
        ValueError: it is no matrix.
    """
    if tensor.ndimension() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with torch.no_grad():
        torch.eye(*tensor.shape, out=tensor, requires_grad=tensor.requires_grad)
    return tensor


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Make the weight of a convolution one that passes on as many channels as it can.

    Args:
        tensor: of three, four or five dimensions.
        groups: of the convolution.
    Raises:
        ValueError: it has another number of dimensions, or ``groups`` does not divide it.
    """
    dimensions = tensor.ndimension()
    if dimensions not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    sizes = tensor.shape
    if sizes[0] % groups != 0:
        raise ValueError("dim 0 must be divisible by groups")
    if tensor.is_meta:
        return tensor
    channels = sizes[0] // groups
    middle = tuple([size // 2 for size in sizes[2:]])
    with torch.no_grad():
        tensor.zero_()
        for group in range(groups):
            for channel in range(min(channels, sizes[1])):
                tensor[(group * channels + channel, channel, *middle)] = 1
    return tensor


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """Return how many inputs an output depends on, and how many outputs on an input."""
    if tensor.dim() < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
        )
    outputs, inputs, *field = tensor.shape
    size = math.prod(field)
    return inputs * size, outputs * size


def _calculate_correct_fan(tensor: Tensor, mode: Any) -> int:
    """Return the fan that a mode names."""
    mode = mode.lower()
    modes = ["fan_in", "fan_out"]
    if mode not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {modes}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(mode)]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill a tensor with uniform draws of variance ``2 gain**2 / (fan_in + fan_out)``.

    Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks*,
    2010.
    """
    fans = _calculate_fan_in_and_fan_out(tensor)
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / float(sum(fans))))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill a tensor with normal draws of variance ``2 gain**2 / (fan_in + fan_out)``.

    Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks*,
    2010.
    """
    fans = _calculate_fan_in_and_fan_out(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(sum(fans))), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: Any = "fan_in",
    nonlinearity: Any = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Fill a tensor with uniform draws of variance ``gain**2 / fan``.

    He et al., *Delving deep into rectifiers*, 2015.

    Args:
        tensor: the tensor.
        a: the negative slope of ``leaky_relu``.
        mode: ``"fan_in"`` to keep the variance forwards, ``"fan_out"`` backwards.
        nonlinearity: what follows.
        generator: draws from it.
    """
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    fan = _calculate_correct_fan(tensor, mode)
    std = calculate_gain(nonlinearity, a) / math.sqrt(fan)
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: Any = "fan_in",
    nonlinearity: Any = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Fill a tensor with normal draws of variance ``gain**2 / fan``.

    He et al., *Delving deep into rectifiers*, 2015. The arguments are those of
    ``kaiming_uniform_``.
    """
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    fan = _calculate_correct_fan(tensor, mode)
    return normal_(tensor, 0, calculate_gain(nonlinearity, a) / math.sqrt(fan), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Fill a tensor, as a matrix of its first dimension and the rest, with an orthogonal one.

    Saxe et al., *Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks*, 2013.

    Raises:
        ValueError: it has fewer than two dimensions.
    """
    if tensor.ndimension() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0 or tensor.is_meta:
        return tensor
    rows = tensor.shape[0]
    columns = tensor.numel() // rows
    drawn = tensor.new_empty((rows, columns)).normal_(0, 1, generator=generator)
    if rows < columns:
        drawn.t_()
    q, r = torch.linalg.qr(drawn)
    # The signs make the distribution uniform (arXiv math-ph/0609050).
    q *= torch.diag(r, 0).sign()
    if rows < columns:
        q.t_()
    with torch.no_grad():
        tensor.view_as(q).copy_(q)
        tensor.mul_(gain)
    return tensor


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Fill a matrix with normal draws, of which a share in each column is zero.

    Martens, *Deep learning via Hessian-free optimization*, 2010.

    Args:
        tensor: of two dimensions.
        sparsity: the share.
        std: of the draws.
        generator: draws from it; the places of the zeros come from the default one.
    Raises:
        ValueError: it is no matrix.
    """
    if tensor.ndimension() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    if tensor.is_meta:
        return tensor
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with torch.no_grad():
        tensor.normal_(0, std, generator=generator)
        for column in range(columns):
            rows_in_random_order = torch.randperm(rows)
            tensor[rows_in_random_order[:zeros], column] = 0
    return tensor


def _make_deprecate(meth: Callable) -> Callable:
    new_name = meth.__name__
    old_name = new_name[:-1]

    @functools.wraps(meth)
    def deprecated_init(*args: Any, **kwargs: Any) -> Any:
        warnings.warn(
            f"`nn.init.{old_name}` is now deprecated in favor of `nn.init.{new_name}`.",
            FutureWarning,
            stacklevel=2,
        )
        return meth(*args, **kwargs)

    deprecated_init.__name__ = deprecated_init.__qualname__ = old_name
    deprecated_init.__doc__ = f"Do what ``{new_name}`` does (deprecated)."
    del deprecated_init.__wrapped__  # type: ignore[attr-defined]  # PyTorch's takes anything too
    return deprecated_init


uniform_ = takes_all_by_name(uniform_)
normal_ = takes_all_by_name(normal_)
constant_ = takes_all_by_name(constant_)
kaiming_uniform_ = takes_all_by_name(kaiming_uniform_)

uniform = _make_deprecate(uniform_)
normal = _make_deprecate(normal_)
constant = _make_deprecate(constant_)
eye = _make_deprecate(eye_)
dirac = _make_deprecate(dirac_)
xavier_uniform = _make_deprecate(xavier_uniform_)
xavier_normal = _make_deprecate(xavier_normal_)
kaiming_uniform = _make_deprecate(kaiming_uniform_)
kaiming_normal = _make_deprecate(kaiming_normal_)
orthogonal = _make_deprecate(orthogonal_)
sparse = _make_deprecate(sparse_)
