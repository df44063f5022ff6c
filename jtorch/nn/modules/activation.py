"""Activations as modules."""

from __future__ import annotations

import warnings
from typing import Any

import jtorch as torch

from ..._tensor.tensor import Tensor
from .. import functional as F
from ..init import constant_
from ..parameter import Parameter
from .attention import MultiheadAttention as MultiheadAttention
from .module import Module

__all__ = [
    *("Threshold", "ReLU", "RReLU", "Hardtanh", "ReLU6", "Sigmoid", "Hardsigmoid", "Tanh"),
    *("SiLU", "Mish", "Hardswish", "ELU", "CELU", "SELU", "GLU", "GELU", "Hardshrink"),
    *("LeakyReLU", "LogSigmoid", "Softplus", "Softshrink", "PReLU", "Softsign", "Tanhshrink"),
    *("Softmin", "Softmax", "Softmax2d", "LogSoftmax", "MultiheadAttention"),
]


class _InPlace(Module):
    """An activation whose only choice is whether it overwrites its input."""

    __constants__ = ["inplace"]
    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Return ``inplace=True`` where that is so."""
        return "inplace=True" if self.inplace else ""


def _and_inplace(module: Any) -> str:
    return ", inplace=True" if module.inplace else ""


class Threshold(Module):
    """Threshold: keep elements above ``threshold``, replace the others by ``value``.

    Args:
        threshold: inputs up to this number are replaced.
        value: the replacement.
        inplace: whether to overwrite the input.
    """

    __constants__ = ["threshold", "value", "inplace"]
    threshold: float
    value: float
    inplace: bool

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with the elements replaced."""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        """Return the numbers."""
        return f"threshold={self.threshold}, value={self.value}{_and_inplace(self)}"


class ReLU(_InPlace):
    """Rectified linear unit: ``max(0, x)``, element by element; the shape stays.

    Args:
        inplace: whether to overwrite the input.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the positive part."""
        return F.relu(input, self.inplace)


class RReLU(Module):
    """Randomised leaky ReLU: ``x`` where positive, else ``a * x`` with a random slope ``a``.

    In training, each element draws its ``a`` uniformly from ``[lower, upper]``.

    Xu et al., *Empirical evaluation of rectified activations*, 2015.

    Args:
        lower, upper: the range of slopes; its middle in evaluation mode.
        inplace: whether to overwrite the input.
    """

    __constants__ = ["lower", "upper", "inplace"]
    lower: float
    upper: float
    inplace: bool

    def __init__(
        self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False
    ) -> None:
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with the slopes."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the range."""
        return f"lower={self.lower}, upper={self.upper}{_and_inplace(self)}"


class Hardtanh(Module):
    """Hard tanh: clip elements to ``[min_val, max_val]``.

    Args:
        min_val, max_val: the range.
        inplace: whether to overwrite the input.
        min_value, max_value: old names of the range.
    Raises:
        AssertionError: the range is empty.
    """

    __constants__ = ["min_val", "max_val", "inplace"]
    min_val: float
    max_val: float
    inplace: bool

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__()
        for old, new, value in (
            ("min_value", "min_val", min_value),
            ("max_value", "max_val", max_value),
        ):
            if value is not None:
                warnings.warn(
                    f"keyword argument `{old}` is deprecated and renamed to `{new}`",
                    FutureWarning,
                    stacklevel=2,
                )
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        self.inplace = inplace
        if self.max_val <= self.min_val:
            raise AssertionError(
                f"max_val ({self.max_val}) must be greater than min_val ({self.min_val})"
            )

    def forward(self, input: Tensor) -> Tensor:
        """Return the input within the range."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        """Return the range."""
        return f"min_val={self.min_val}, max_val={self.max_val}{_and_inplace(self)}"


class ReLU6(Hardtanh):
    """ReLU clipped at 6: ``min(max(0, x), 6)``.

    Args:
        inplace: whether to overwrite the input.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        """Return ``inplace=True`` where that is so."""
        return "inplace=True" if self.inplace else ""


class Sigmoid(Module):
    """Sigmoid (logistic function): ``1 / (1 + exp(-x))``."""

    def forward(self, input: Tensor) -> Tensor:
        """Return ``1 / (1 + exp(-input))``."""
        return torch.sigmoid(input)


class Hardsigmoid(Module):
    """Hard sigmoid, piecewise linear: ``min(max(x / 6 + 1 / 2, 0), 1)``.

    Args:
        inplace: whether to overwrite the input.
    """

    __constants__ = ["inplace"]
    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the approximation."""
        return F.hardsigmoid(input, self.inplace)


class Tanh(Module):
    """Hyperbolic tangent: ``(exp(x) - exp(-x)) / (exp(x) + exp(-x))``."""

    def forward(self, input: Tensor) -> Tensor:
        """Return ``tanh(input)``."""
        return torch.tanh(input)


class SiLU(_InPlace):
    """Sigmoid linear unit, also called swish: ``x * sigmoid(x)``.

    Args:
        inplace: whether to overwrite the input.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return ``input * sigmoid(input)``."""
        return F.silu(input, inplace=self.inplace)


class Mish(_InPlace):
    """Mish: ``x * tanh(softplus(x))``, a smooth, non-monotonic activation.

    Misra, *Mish: a self regularized non-monotonic neural activation function*, 2019.

    Args:
        inplace: whether to overwrite the input.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return ``input * tanh(softplus(input))``."""
        return F.mish(input, inplace=self.inplace)


class Hardswish(Module):
    """Hard swish: ``x * min(max(x + 3, 0), 6) / 6``, swish with a hard sigmoid.

    Args:
        inplace: whether to overwrite the input.
    """

    __constants__ = ["inplace"]
    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return ``input * hardsigmoid(input)``."""
        return F.hardswish(input, self.inplace)


class _Alpha(Module):
    """An exponential linear unit with a scale for negative elements."""

    __constants__ = ["alpha", "inplace"]
    alpha: float
    inplace: bool

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Return the scale."""
        return f"alpha={self.alpha}{_and_inplace(self)}"


class ELU(_Alpha):
    """Exponential linear unit: ``x`` where positive, else ``alpha * (exp(x) - 1)``.

    Clevert et al., *Fast and accurate deep network learning by exponential linear units*, 2015.

    Args:
        alpha: the scale.
        inplace: whether to overwrite the input.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with the elements replaced."""
        return F.elu(input, self.alpha, self.inplace)


class CELU(_Alpha):
    """Continuously differentiable ELU: ``max(0, x) + min(0, alpha * (exp(x / alpha) - 1))``.

    Barron, *Continuously differentiable exponential linear units*, 2017.

    Args:
        alpha: the scale.
        inplace: whether to overwrite the input.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with the elements replaced."""
        return F.celu(input, self.alpha, self.inplace)


class SELU(_InPlace):
    """Scaled exponential linear unit: ``scale * (max(0, x) + min(0, alpha * (exp(x) - 1)))``.

    The two constants (1.0507 and 1.6733) keep mean 0 and variance 1 from layer to layer.

    Klambauer et al., *Self-normalizing neural networks*, 2017.

    Args:
        inplace: whether to overwrite the input.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the unit of the input."""
        return F.selu(input, self.inplace)


class GLU(Module):
    """Gated linear unit: ``a * sigmoid(b)``, where ``a`` and ``b`` are the input's halves.

    Args:
        dim: the dimension that is halved.
    """

    __constants__ = ["dim"]
    dim: int

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return a tensor of half the size."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """Return the dimension."""
        return f"dim={self.dim}"


class GELU(Module):
    """Gaussian error linear unit: ``x * Phi(x)``, with the normal distribution function ``Phi``.

    Args:
        approximate: ``"none"``, or ``"tanh"`` for a formula without the error function.
    """

    __constants__ = ["approximate"]
    approximate: str

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """Return the product."""
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        """Return the formula."""
        return f"approximate={self.approximate!r}"


class Hardshrink(Module):
    """Hard shrinkage: 0 where ``abs(x) <= lambd``, else ``x``.

    Args:
        lambd: half the width of the interval around 0.
    """

    __constants__ = ["lambd"]
    lambd: float

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with the elements replaced."""
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """Return how near."""
        return f"{self.lambd}"


class LeakyReLU(Module):
    """Leaky ReLU: ``x`` where positive, else ``negative_slope * x``.

    Args:
        negative_slope: the slope.
        inplace: whether to overwrite the input.
    """

    __constants__ = ["inplace", "negative_slope"]
    inplace: bool
    negative_slope: float

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with the slope."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        """Return the slope."""
        return f"negative_slope={self.negative_slope}{_and_inplace(self)}"


class LogSigmoid(Module):
    """Log-sigmoid: ``log(1 / (1 + exp(-x)))``, without overflow."""

    def forward(self, input: Tensor) -> Tensor:
        """Return ``log(sigmoid(input))``."""
        return F.logsigmoid(input)


class Softplus(Module):
    """Softplus, a smooth ReLU: ``log(1 + exp(beta * x)) / beta``.

    Args:
        beta: how sharp the bend is.
        threshold: above ``input * beta > threshold`` the element itself is returned.
    """

    __constants__ = ["beta", "threshold"]
    beta: float
    threshold: float

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """Return the formula's value."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """Return the numbers."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Softshrink(Module):
    """Soft shrinkage (soft thresholding): ``sign(x) * max(abs(x) - lambd, 0)``.

    Args:
        lambd: by how much at most, not negative.
    """

    __constants__ = ["lambd"]
    lambd: float

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """Return the elements moved."""
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """Return by how much."""
        return str(self.lambd)


class PReLU(Module):
    """Parametric ReLU: ``max(0, x) + weight * min(0, x)``, with a learnable slope.

    He et al., *Delving deep into rectifiers*, 2015.

    Args:
        num_parameters: 1, or the number of channels.
        init: the slope at first.
        device, dtype: of the parameter.
    """

    __constants__ = ["num_parameters"]
    num_parameters: int

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(torch.empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the slopes to what they were at first."""
        constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with the slopes."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """Return the number of slopes."""
        return f"num_parameters={self.num_parameters}"


class Softsign(Module):
    """Softsign: ``x / (1 + abs(x))``."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the quotient."""
        return F.softsign(input)


class Tanhshrink(Module):
    """Tanh shrinkage: ``x - tanh(x)``."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the difference."""
        return F.tanhshrink(input)


class _AlongDim(Module):
    """A function of the elements along one dimension."""

    __constants__ = ["dim"]
    dim: int | None

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.__dict__.setdefault("dim", None)

    def extra_repr(self) -> str:
        """Return the dimension."""
        return f"dim={self.dim}"


class Softmin(_AlongDim):
    """Softmin along a dimension: ``exp(-x_i) / sum_j exp(-x_j)``, the softmax of ``-x``.

    Args:
        dim: along which they add to 1.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return ``softmax(-input)``."""
        return F.softmin(input, self.dim, _stacklevel=5)


class Softmax(_AlongDim):
    """Softmax along a dimension: ``exp(x_i) / sum_j exp(x_j)``; the results sum to 1.

    Args:
        dim: along which they add to 1.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return ``exp(input) / exp(input).sum(dim)``."""
        return F.softmax(input, self.dim, _stacklevel=5)


class Softmax2d(Module):
    """Softmax over the channels at each pixel of ``(N, C, H, W)`` or ``(C, H, W)``."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the shares of a tensor of shape ``(N, C, H, W)`` or ``(C, H, W)``.

        Raises:
            ValueError: it has another number of dimensions.
        """
        if input.dim() not in (3, 4):
            raise ValueError(
                f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead"
            )
        return F.softmax(input, -3, _stacklevel=5)


class LogSoftmax(_AlongDim):
    """Log-softmax along a dimension: ``x_i - log(sum_j exp(x_j))``, stable for large inputs.

    Args:
        dim: along which the shares add to 1.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the logarithms of the shares."""
        return F.log_softmax(input, self.dim, _stacklevel=5)
