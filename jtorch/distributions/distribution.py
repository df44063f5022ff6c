"""The base of all distributions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from ..serialization._by_name import reduce_by_name
from .constraints import Constraint, is_dependent
from .utils import lazy_property

__all__ = ["Distribution"]


class Distribution:
    """Base of all distributions: shapes, checks of arguments and of values, and what is missing.

    Args:
        batch_shape: shape of the parameters, each element of which is a distribution.
        event_shape: shape of one sample of one distribution.
        validate_args: check parameters now and values later; ``None`` means the default, which is
            to check unless Python runs with ``-O``.
    Raises:
        ValueError: a parameter is outside its constraint.
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Choose whether distributions made from now on check their arguments.

        Raises:
            ValueError: ``value`` is neither true nor false.
        """
        if value not in [True, False]:
            raise ValueError
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: torch.Size = torch.Size(),
        event_shape: torch.Size = torch.Size(),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape = batch_shape
        self._event_shape = event_shape
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            for name, constraint in self._stated_constraints().items():
                self._check_parameter(name, constraint)
        super().__init__()

    def _stated_constraints(self) -> dict[str, Constraint]:
        try:
            return self.arg_constraints
        except NotImplementedError:
            warnings.warn(
                f"{self.__class__} does not define `arg_constraints`. "
                "Please set `arg_constraints = {}` or initialize the distribution "
                "with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
            return {}

    def _check_parameter(self, name: str, constraint: Constraint) -> None:
        if is_dependent(constraint):
            return  # depends on other parameters
        if name not in self.__dict__ and isinstance(getattr(type(self), name), lazy_property):
            return  # follows from a parameter that is checked
        value = getattr(self, name)
        if not torch._is_all_true(constraint.check(value)):
            raise ValueError(
                f"Expected parameter {name} "
                f"({type(value).__name__} of shape {tuple(value.shape)}) "
                f"of distribution {self!r} "
                f"to satisfy the constraint {constraint!r}, "
                f"but found invalid values:\n{value}"
            )

    # Pickles of distributions name PyTorch's classes, as those of modules do.
    __reduce_ex__ = reduce_by_name

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        """Return this distribution with its parameters expanded to another batch shape.

        Args:
            batch_shape: the new shape, which the old one broadcasts to.
            _instance: an object to fill, for subclasses that have their own ``expand``.
        """
        raise NotImplementedError

    @property
    def batch_shape(self) -> torch.Size:
        """The shape of the parameters."""
        return self._batch_shape

    @property
    def event_shape(self) -> torch.Size:
        """The shape of one sample of one distribution."""
        return self._event_shape

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """The constraint of each parameter that is a tensor, by its name."""
        raise NotImplementedError

    @property
    def support(self) -> Constraint | None:
        """The constraint that samples satisfy."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """The expected value, of shape ``batch_shape + event_shape``."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The most probable value, of shape ``batch_shape + event_shape``."""
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The variance of each element, of shape ``batch_shape + event_shape``."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The standard deviation of each element, of shape ``batch_shape + event_shape``."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Sequence[int] = torch.Size()) -> Tensor:
        """Draw samples that no gradient flows through.

        Args:
            sample_shape: how many, as a shape.
        Returns:
            Tensor of shape ``sample_shape + batch_shape + event_shape``.
        """
        with torch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = torch.Size()) -> Tensor:
        """Draw samples that are differentiable functions of the parameters.

        Args:
            sample_shape: how many, as a shape.
        Returns:
            Tensor of shape ``sample_shape + batch_shape + event_shape``.
        """
        raise NotImplementedError

    def sample_n(self, n: int) -> Tensor:
        """Draw ``n`` samples; the old name of ``sample((n,))``."""
        warnings.warn(
            "`sample_n(n)` will be deprecated. Use `sample((n,))` instead.",
            FutureWarning,
            stacklevel=2,
        )
        return self.sample(torch.Size((n,)))

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the density, or of the probability, at ``value``."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """Return the probability of at most ``value``."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """Return the quantile of the probability ``value``."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """Return all values of a discrete distribution, along a new first dimension.

        The distributions of a batch go through their values together, not in all combinations.

        Args:
            expand: repeat the values for each distribution of the batch; without it the
                dimensions of the batch have size 1.
        Returns:
            Tensor of shape ``(number of values,) + batch_shape + event_shape``.
        """
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """Return the entropy in nats, of shape ``batch_shape``."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """Return the exponential of the entropy, of shape ``batch_shape``."""
        return torch.exp(self.entropy())

    def _extended_shape(self, sample_shape: Sequence[int] = torch.Size()) -> torch.Size:
        """Return the shape of what ``sample(sample_shape)`` returns."""
        if not isinstance(sample_shape, torch.Size):
            sample_shape = torch.Size(sample_shape)
        return torch.Size(sample_shape + self._batch_shape + self._event_shape)

    def _validate_sample(self, value: Tensor) -> None:
        """Check that the probability of ``value`` can be asked for.

        Raises:
            ValueError: it is no tensor, its shape does not fit, or it is outside the support.
        """
        if not isinstance(value, torch.Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape = value.size()
        if shape[len(shape) - len(self._event_shape) :] != self._event_shape:
            raise ValueError(
                "The right-most size of value must match event_shape: "
                f"{shape} vs {self._event_shape}."
            )
        expected = self._batch_shape + self._event_shape
        for ours, theirs in zip(reversed(shape), reversed(expected)):
            if ours != theirs and ours != 1 and theirs != 1:
                raise ValueError(
                    "Value is not broadcastable with batch_shape+event_shape: "
                    f"{shape} vs {expected}."
                )
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{self.__class__} does not define `support` to enable "
                "sample validation. Please initialize the distribution with "
                "`validate_args=False` to turn off validation.",
                stacklevel=2,
            )
            return
        if support is None:
            raise AssertionError("support is unexpectedly None")
        if not torch._is_all_true(support.check(value)):
            raise ValueError(
                "Expected value argument "
                f"({type(value).__name__} of shape {tuple(shape)}) "
                f"to be within the support ({support!r}) "
                f"of the distribution {self!r}, "
                f"but found invalid values:\n{value}"
            )

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        """Return the object that ``expand`` fills.

        Raises:
            NotImplementedError: a subclass has another constructor and no ``expand`` of its own.
        """
        if _instance is not None:
            return _instance
        if type(self).__init__ != cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"Subclass {self.__class__.__name__} of {cls.__name__} that defines a custom "
                "__init__ method must also define a custom .expand() method."
            )
        return self.__new__(type(self))

    def __repr__(self) -> str:
        attributes = self.__dict__
        parameters = ", ".join(
            f"{name}: {value if value.numel() == 1 else value.size()}"
            for name, value in ((n, attributes[n]) for n in self.arg_constraints if n in attributes)
        )
        return f"{self.__class__.__name__}({parameters})"
