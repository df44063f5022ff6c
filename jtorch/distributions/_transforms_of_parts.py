"""Transforms that treat parts of a tensor differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from . import constraints
from ._transforms_base import Transform
from .utils import _sum_rightmost, lazy_property


class _Partwise(Transform):
    """A transform for each part of a tensor along one dimension."""

    transforms: list[Any]

    def _set_parts(self, tseq: Sequence[Transform], dim: int, cache_size: int) -> None:
        if not all(isinstance(part, Transform) for part in tseq):
            raise AssertionError("All elements of tseq must be Transform instances")
        if cache_size:
            tseq = [part.with_cache(cache_size) for part in tseq]
        super().__init__(cache_size=cache_size)
        self.transforms = list(tseq)
        self.dim = dim

    def _size(self) -> tuple[str, int]:
        """Return what the size along the dimension is called, and how much it has to be."""
        raise NotImplementedError

    def _parts_of(self, value: Tensor) -> list[Tensor]:
        raise NotImplementedError

    def _check(self, value: Tensor, name: str, described: str = "tensor") -> None:
        dim = self.dim
        if not -value.dim() <= dim < value.dim():
            raise AssertionError(
                f"dim {dim} out of range for {described} with {value.dim()} dimensions"
            )
        description, size = self._size()
        if value.size(dim) != size:
            raise AssertionError(
                f"{name}.size({dim}) = {value.size(dim)} must equal {description} {size}"
            )

    def _values(self, x: Tensor) -> list[Tensor]:
        self._check(x, "x")
        parts = zip(self.transforms, self._parts_of(x))
        return [transform(part) for transform, part in parts]

    def _arguments(self, y: Tensor) -> list[Tensor]:
        self._check(y, "y")
        parts = zip(self.transforms, self._parts_of(y))
        return [transform.inv(part) for transform, part in parts]

    def _log_determinants(self, x: Tensor, y: Tensor) -> list[Tensor]:
        self._check(x, "x", "x")
        self._check(y, "y", "y")
        parts = zip(self.transforms, self._parts_of(x), self._parts_of(y))
        return [transform.log_abs_det_jacobian(*both) for transform, *both in parts]

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        return all(part.bijective for part in self.transforms)


class CatTransform(_Partwise):
    """Transforms of parts that stand one after another, as ``torch.cat`` puts them.

    Args:
        tseq: the transforms.
        dim: the dimension along which the parts stand.
        lengths: their sizes along it; 1 each if not given.
        cache_size: 0 or 1, for each transform.

    Example:
        >>> from jtorch.distributions.transforms import *
        >>> halves = CatTransform([ExpTransform(), identity_transform], dim=0, lengths=[1, 2])
        >>> halves(torch.zeros(3))
        tensor([1., 0., 0.])
    """

    def __init__(
        self,
        tseq: Sequence[Transform],
        dim: int = 0,
        lengths: Sequence[int] | None = None,
        cache_size: int = 0,
    ) -> None:
        self._set_parts(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(
                f"lengths ({len(self.lengths)}) must match transforms ({len(self.transforms)})"
            )

    @lazy_property
    def event_dim(self) -> int:  # type: ignore[override]
        return max(part.event_dim for part in self.transforms)

    @lazy_property
    def length(self) -> int:
        return sum(self.lengths)

    def _with_cache(self, cache_size: int) -> Any:
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _size(self) -> tuple[str, int]:
        return "length", self.length

    def _parts_of(self, value: Tensor) -> list[Tensor]:
        parts = []
        start = 0
        for length in self.lengths:
            parts.append(value.narrow(self.dim, start, length))
            start += length
        return parts

    def _call(self, x: Any) -> Any:
        return torch.cat(self._values(x), dim=self.dim)

    def _inverse(self, y: Any) -> Any:
        return torch.cat(self._arguments(y), dim=self.dim)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        terms = [
            _sum_rightmost(term, self.event_dim - part.event_dim)
            for part, term in zip(self.transforms, self._log_determinants(x, y))
        ]
        # The parts may lie inside an event, along a dimension that is gone now.
        dim = self.dim - x.dim() if self.dim >= 0 else self.dim
        dim += self.event_dim
        return torch.cat(terms, dim=dim) if dim < 0 else sum(terms)

    @constraints.dependent_property
    def domain(self) -> Any:
        parts = [part.domain for part in self.transforms]
        return constraints.cat(parts, self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self) -> Any:
        parts = [part.codomain for part in self.transforms]
        return constraints.cat(parts, self.dim, self.lengths)


class StackTransform(_Partwise):
    """Transforms of slices, as ``torch.stack`` puts them.

    Args:
        tseq: the transforms, one for each slice.
        dim: the dimension along which the slices stand.
        cache_size: 0 or 1, for each transform.

    Example:
        >>> from jtorch.distributions.transforms import *
        >>> rows = StackTransform([ExpTransform(), identity_transform], dim=0)
        >>> rows(torch.zeros(2))
        tensor([1., 0.])
    """

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        self._set_parts(tseq, dim, cache_size)

    def _with_cache(self, cache_size: int) -> Any:
        return StackTransform(self.transforms, self.dim, cache_size)

    def _size(self) -> tuple[str, int]:
        return "len(transforms)", len(self.transforms)

    def _parts_of(self, value: Tensor) -> list[Tensor]:
        return [value.select(self.dim, i) for i in range(value.size(self.dim))]

    def _call(self, x: Any) -> Any:
        return torch.stack(self._values(x), dim=self.dim)

    def _inverse(self, y: Any) -> Any:
        return torch.stack(self._arguments(y), dim=self.dim)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return torch.stack(self._log_determinants(x, y), dim=self.dim)

    @constraints.dependent_property
    def domain(self) -> Any:
        return constraints.stack([part.domain for part in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self) -> Any:
        return constraints.stack([part.codomain for part in self.transforms], self.dim)
