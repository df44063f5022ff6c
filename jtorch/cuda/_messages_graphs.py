"""Messages of CUDA graphs."""

from __future__ import annotations

from typing import Any

from .._core.errors import AcceleratorError


def dummy(name: str) -> RuntimeError:
    return RuntimeError(f"Tried to instantiate dummy base class {name}")


def not_permitted() -> Exception:
    return AcceleratorError("CUDA error: operation not permitted when stream is capturing")


def owns_graph() -> RuntimeError:
    return RuntimeError(
        "This CUDAGraph instance already owns a captured graph. "
        "To capture a new graph, create a new instance."
    )


def no_capture(method: str) -> RuntimeError:
    return RuntimeError(f"Called CUDAGraph::{method} without a preceding successful capture.")


def not_capturable(optimizer: Any) -> RuntimeError:
    return RuntimeError(
        "Attempting CUDA graph capture of step() for an instance of "
        f"{type(optimizer).__name__} but param_groups' capturable is False."
    )


def default_stream() -> RuntimeError:
    return RuntimeError(
        "CUDA graphs must be captured on a non-default stream. (However, after capture, "
        "it's ok to replay them on the default stream.)"
    )


def unseen() -> NotImplementedError:
    return NotImplementedError(
        "CUDA graphs: jtorch captures functions of tensors and steps of optimisers, and something "
        "else made this tensor in the region"
    )


def closure() -> NotImplementedError:
    return NotImplementedError("CUDA graphs: a step with a closure cannot be captured")


def autocast_cache() -> RuntimeError:
    return RuntimeError(
        "make_graphed_callables does not support the autocast caching. "
        "Please set `cache_enabled=False`."
    )


def hooks() -> AssertionError:
    return AssertionError(
        "Modules must not have hooks registered at the time they are passed. However, registering "
        "hooks on modules after passing them through make_graphed_callables is allowed."
    )


def buffers() -> AssertionError:
    return AssertionError(
        "In any :class:`~torch.nn.Module` passed to :func:`~make_graphed_callables`, only "
        "parameters may be trainable. All buffers must have ``requires_grad=False``."
    )


def no_tensors() -> AssertionError:
    return AssertionError(
        "In the beta API, sample_args for each callable must contain only Tensors. "
        "Other types are not allowed."
    )
