"""The von Mises distribution of angles."""

from __future__ import annotations

import math
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, lazy_property

__all__ = ["VonMises"]

# Coefficients of the polynomials that approximate the Bessel functions of the orders 0 and 1, from
# the constant upwards: Abramowitz and Stegun, Handbook of Mathematical Functions, 9.8.1 to 9.8.4.
_COEF_SMALL = (
    (1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.360768e-1, 0.45813e-2),
    (0.5, 0.87890594, 0.51498869, 0.15084934, 0.2658733e-1, 0.301532e-2, 0.32411e-3),
)
_COEF_LARGE = (
    (
        *(0.39894228, 0.1328592e-1, 0.225319e-2, -0.157565e-2, 0.916281e-2),
        *(-0.2057706e-1, 0.2635537e-1, -0.1647633e-1, 0.392377e-2),
    ),
    (
        *(0.39894228, -0.3988024e-1, -0.362018e-2, 0.163801e-2, -0.1031555e-1),
        *(0.2282967e-1, -0.2895312e-1, 0.1787654e-1, -0.420059e-2),
    ),
)
#: Where the two approximations meet.
_BORDER = 3.75


def _eval_poly(y: Any, coef: Any) -> Any:
    """Return the polynomial of ``y`` with these coefficients, the constant first (Horner)."""
    *lower, result = coef
    for coefficient in reversed(lower):
        result = coefficient + y * result
    return result


def _log_modified_bessel_fn(x: Any, order: int = 0) -> Tensor:
    """Return the logarithm of the modified Bessel function of the first kind, for positive ``x``.

    Args:
        x: tensor.
        order: 0 or 1.
    Raises:
        AssertionError: another order.
    """
    if order not in (0, 1):
        raise AssertionError(f"order must be 0 or 1, got {order}")
    ratio = x / _BORDER
    small = _eval_poly(ratio * ratio, _COEF_SMALL[order])
    if order == 1:
        small = x.abs() * small
    small = small.log()
    large = x - 0.5 * x.log() + _eval_poly(_BORDER / x, _COEF_LARGE[order]).log()
    return torch.where(x < _BORDER, small, large)


def _rejection_sample(loc: Any, concentration: Any, proposal_r: Any, x: Any) -> Tensor:
    """Fill ``x`` with angles from a wrapped Cauchy proposal, drawn until each was accepted."""
    done = torch.zeros(x.shape, dtype=torch.bool, device=loc.device)
    while not done.all():
        uniform = torch.rand((3,) + x.shape, dtype=loc.dtype, device=loc.device)
        direction, chance, side = uniform.unbind()
        z = torch.cos(math.pi * direction)
        cosine = (1 + proposal_r * z) / (proposal_r + z)
        c = concentration * (proposal_r - cosine)
        accept = ((c * (2 - c) - chance) > 0) | ((c / chance).log() + 1 - c >= 0)
        x = torch.where(accept, (side - 0.5).sign() * cosine.acos(), x)
        done = done | accept
    return (x + math.pi + loc) % (2 * math.pi) - math.pi


class VonMises(Distribution):
    """Von Mises distribution of angles: density proportional to ``exp(kappa cos(x - loc))``.

    Args:
        loc: angle in radians, any real number.
        concentration: what corresponds to the reciprocal of a variance. Tensors that broadcast
            together.
        validate_args: whether to check parameters and values.
    """

    loc: Tensor
    concentration: Tensor
    arg_constraints: Any = {"loc": constraints.real, "concentration": constraints.positive}
    support: Any = constraints.real
    has_rsample = False

    def __init__(
        self, loc: Tensor, concentration: Tensor, validate_args: bool | None = None
    ) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, torch.Size(), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """Return the distribution with a larger batch shape."""
        try:
            return super().expand(batch_shape)
        except NotImplementedError:
            # The new one is checked only where this one was asked to be, as in PyTorch 2.13.
            return type(self)(
                self.loc.expand(batch_shape),
                self.concentration.expand(batch_shape),
                validate_args=self.__dict__.get("_validate_args"),
            )

    @lazy_property
    def _loc(self) -> Tensor:
        return self.loc.to(torch.double)

    @lazy_property
    def _concentration(self) -> Tensor:
        return self.concentration.to(torch.double)

    @lazy_property
    def _proposal_r(self) -> Tensor:
        kappa = self._concentration
        tau = 1 + (1 + 4 * kappa**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * kappa)
        # Close to 0 the difference above loses its digits: the first terms of the series instead.
        return torch.where(kappa < 1e-5, 1 / kappa + kappa, (1 + rho**2) / (2 * rho))

    @property
    def mean(self) -> Tensor:
        """``loc``: the mean direction."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """``loc``."""
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:  # type: ignore[override]
        """Circular variance: 1 less the mean length in the mean direction."""
        first = _log_modified_bessel_fn(self.concentration, order=1)
        return 1 - (first - _log_modified_bessel_fn(self.concentration, order=0)).exp()

    @torch.no_grad()
    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw angles in [-π, π).

        Best and Fisher: *Efficient simulation of the von Mises distribution*, 1979. In double
        precision throughout: in single precision small concentrations would never be accepted.
        """
        shape = self._extended_shape(sample_shape)
        angles = torch.empty(shape, dtype=self._loc.dtype, device=self.loc.device)
        angles = _rejection_sample(self._loc, self._concentration, self._proposal_r, angles)
        return angles.to(self.loc.dtype)

    def log_prob(self, value: Any) -> Tensor:
        """Return the logarithm of the density."""
        if self._validate_args:
            self._validate_sample(value)
        exponent = self.concentration * torch.cos(value - self.loc)
        constant = _log_modified_bessel_fn(self.concentration, order=0)
        return exponent - math.log(2 * math.pi) - constant
