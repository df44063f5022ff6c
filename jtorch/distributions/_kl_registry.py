"""Which function computes the divergence of two distributions, by their classes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import total_ordering
from typing import Any

from .._tensor.tensor import Tensor
from .distribution import Distribution

#: What was registered.
_KL_REGISTRY: dict[tuple[type, type], Callable] = {}
#: What was found for classes that were asked for.
_KL_MEMOIZE: dict[tuple[type, type], Any] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Callable], Callable]:
    """Decorate a function of two distributions that computes their divergence.

    It is used for these classes and their subclasses, unless something closer is registered. Where
    one function is closer for the first class and another for the second, the first class decides,
    with a warning.

    Args:
        type_p, type_q: classes of distributions.

    Example:
        >>> from jtorch.distributions import Normal, kl_divergence, register_kl
        >>> class Standard(Normal):
        ...     pass
        >>> @register_kl(Standard, Standard)
        ... def kl_standard_standard(p, q):
        ...     return torch.zeros(p.batch_shape)
        >>> kl_divergence(Standard(0.0, 1.0), Standard(0.0, 1.0))
        tensor(0.)
    """
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        # issubclass is what refuses anything that is no class.
        if not isinstance(kind, type) and issubclass(kind, Distribution):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def register(function: Callable) -> Callable:
        _KL_REGISTRY[type_p, type_q] = function
        _KL_MEMOIZE.clear()
        return function

    return register


@total_ordering
class _Match:
    """Two classes, ordered by how special they are, the first before the second."""

    __slots__ = ("types",)

    def __init__(self, *types: type) -> None:
        self.types = types

    def __eq__(self, other: Any) -> bool:
        return self.types == other.types

    def __le__(self, other: Any) -> bool:
        for ours, theirs in zip(self.types, other.types):
            if not issubclass(ours, theirs):
                return False
            if ours is not theirs:
                return True
        return True


def _dispatch_kl(type_p: type, type_q: type) -> Any:
    """Return the function that is registered closest to two classes, or NotImplemented."""
    matches = [(p, q) for p, q in _KL_REGISTRY if issubclass(type_p, p) and issubclass(type_q, q)]
    if not matches:
        return NotImplemented
    left_p, left_q = min(_Match(p, q) for p, q in matches).types
    right_q, right_p = min(_Match(q, p) for p, q in matches).types
    divergence = _KL_REGISTRY[left_p, left_q]
    if divergence is not _KL_REGISTRY[right_p, right_q]:
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). "
            f"Please register_kl({left_p.__name__}, {right_q.__name__})",
            RuntimeWarning,
            stacklevel=2,
        )
    return divergence


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """Kullback-Leibler divergence ``KL(p || q)``: the mean of ``log p(x) - log q(x)`` under ``p``.

    Args:
        p, q: distributions whose batch shapes broadcast together.
    Returns:
        Tensor of the shape of the batch.
    Raises:
        NotImplementedError: nothing is registered for their classes.

    Example:
        >>> from jtorch.distributions import Normal, kl_divergence
        >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
        tensor(0.5000)
    """
    types = type(p), type(q)
    function = _KL_MEMOIZE.get(types)
    if function is None:
        function = _KL_MEMOIZE[types] = _dispatch_kl(*types)
    if function is NotImplemented:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {p.__class__.__name__} "
            f"and q type {q.__class__.__name__}"
        )
    return function(p, q)


register_kl.__module__ = kl_divergence.__module__ = "torch.distributions.kl"
