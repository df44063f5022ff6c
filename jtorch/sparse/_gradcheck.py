"""``gradcheck`` of functions of sparse tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from . import _layouts
from ._tensor import SparseTensor, with_values


def as_sparse_gradcheck(gradcheck: Callable) -> Callable:
    """Return a form of ``gradcheck`` that takes functions of sparse tensors.

    The function is checked as one of the values; a sparse result as its dense form.

    Args:
        gradcheck: ``torch.autograd.gradcheck``.
    """

    @functools.wraps(gradcheck)
    def gradcheck_with_sparse_support(func: Callable, inputs: Any, **kwargs: Any) -> Any:
        """Check gradients at the elements that are kept."""
        given = tuple(inputs) if isinstance(inputs, (list, tuple)) else (inputs,)
        kwargs.pop("masked", None)
        values = tuple(
            [
                each._elements.detach().requires_grad_(each.requires_grad)
                if isinstance(each, SparseTensor)
                else each
                for each in given
            ]
        )

        def of_values(*parts: Any) -> Any:
            tensors = [
                with_values(each, part) if isinstance(each, SparseTensor) else part
                for each, part in zip(given, parts, strict=True)
            ]
            results = func(*tensors)
            if isinstance(results, (list, tuple)):
                return tuple([_dense(each) for each in results])
            return _dense(results)

        return gradcheck(of_values, values, **kwargs)

    return gradcheck_with_sparse_support


def _dense(value: Any) -> Any:
    return _layouts.to_dense(value) if isinstance(value, SparseTensor) else value
