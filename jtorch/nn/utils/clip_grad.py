"""Limits for gradients."""

from __future__ import annotations

import contextlib
import functools
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import jtorch as torch

from ..._engine.recording.overrides import NotPlain, first_sparse
from ..._tensor.tensor import Tensor
from ...ops.optim import gradient_norms
from ...sparse._messages import not_run

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_"]


def _no_grad(function: Callable) -> Callable:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with torch.no_grad():
            return function(*args, **kwargs)

    return wrapper


@contextlib.contextmanager
def _refusing_sparse(tensors: list[Any], kernel: str) -> Iterator[None]:
    """A block that says which kernel PyTorch lacks where one of the tensors is sparse."""
    try:
        yield
    except NotPlain:
        sparse = first_sparse(tensors)
        if sparse is None:
            raise
        raise not_run(kernel, sparse) from None


def _by_device(tensors: list[Any]) -> list[list[Any]]:
    """Return the tensors in lists of one device each."""
    groups: dict[Any, list[Any]] = {}
    for tensor in tensors:
        groups.setdefault(tensor.device, []).append(tensor)
    return list(groups.values())


def _by_device_and_dtype(tensors: list[Any]) -> list[list[Any]]:
    """Return the tensors in lists of one device and dtype each, in the order of PyTorch."""
    groups: dict[Any, list[Any]] = {}
    for tensor in tensors:
        groups.setdefault((tensor.device, tensor.dtype), []).append(tensor)
    return list(groups.values())


def _gradients(parameters: Any) -> list[Any]:
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    return [param.grad for param in parameters if param.grad is not None]


@_no_grad
def get_total_norm(
    tensors: Any,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Return the norm of all elements of some tensors.

    Args:
        tensors: a tensor or an iterable of them.
        norm_type: order of the norm, which may be infinite.
        error_if_nonfinite: whether to raise where the norm is no finite number.
        foreach: accepted; all tensors are one operator anyway.
    Returns:
        Tensor without dimensions.
    Raises:
        RuntimeError: the norm is not finite, if wanted.
    """
    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    norm_type = float(norm_type)
    if not tensors:
        return torch.tensor(0.0)
    device = tensors[0].device
    norms: list[Any] = []
    with _refusing_sparse(tensors, "aten::linalg_vector_norm"):
        for group in _by_device_and_dtype(tensors):
            norms += gradient_norms.norms_of(group, norm_type)
    together = torch.stack([norm.to(device) for norm in norms])
    total = gradient_norms.vector_norm(together, norm_type)
    if error_if_nonfinite and torch.logical_or(total.isnan(), total.isinf()):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, "
            "so it cannot be clipped. To disable this error and scale the gradients by the "
            "non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    return total


@_no_grad
def clip_grads_with_norm_(
    parameters: Any, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale gradients in place so that their norm, which is known, is at most ``max_norm``.

    Args:
        parameters: a tensor or an iterable of them, whose gradients are scaled.
        max_norm: the limit.
        total_norm: the norm of all gradients, as ``get_total_norm`` returns it.
        foreach: accepted; all tensors are one operator anyway.
    """
    grads = _gradients(parameters)
    max_norm = float(max_norm)
    if not grads:
        return
    factor = torch.clamp(max_norm / (total_norm + 1e-6), max=1.0)
    for group in _by_device(grads):
        gradient_norms.scale_all(group, factor.to(group[0].device))


@_no_grad
def clip_grad_norm_(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale gradients in place so that the norm of all of them is at most ``max_norm``.

    Args:
        parameters: a tensor or an iterable of them, whose gradients are scaled.
        max_norm: the limit.
        norm_type: order of the norm, which may be infinite.
        error_if_nonfinite: whether to raise where the norm is no finite number.
        foreach: accepted; all tensors are one operator anyway.
    Returns:
        The norm before, a tensor without dimensions.
    """
    if not isinstance(parameters, Tensor):
        is_generator = isinstance(parameters, types.GeneratorType)
        parameters = list(parameters)
        if is_generator and not parameters:
            warnings.warn(
                "`parameters` is an empty generator, no gradient clipping will occur.",
                stacklevel=3,
            )
    total_norm = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(parameters, max_norm, total_norm, foreach)
    return total_norm


def clip_grad_norm(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Do what ``clip_grad_norm_`` does (deprecated)."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of "
        "`torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


@_no_grad
def clip_grad_value_(parameters: Any, clip_value: float, foreach: bool | None = None) -> None:
    """Clamp the elements of gradients in place.

    Args:
        parameters: a tensor or an iterable of them, whose gradients are clamped.
        clip_value: elements end up between its negative and it.
        foreach: accepted; all tensors are one operator anyway.
    """
    clip_value = float(clip_value)
    grads = _gradients(parameters)
    with _refusing_sparse(grads, "aten::clamp_min_"):
        for group in _by_device(grads):
            gradient_norms.clamp_all(group, clip_value)


_get_total_norm = get_total_norm
_clip_grads_with_norm_ = clip_grads_with_norm_
