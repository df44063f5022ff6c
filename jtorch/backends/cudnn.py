"""Settings of cuDNN: ``torch.backends.cudnn``.

``allow_tf32`` and ``deterministic`` say how XLA compiles convolutions for a GPU
(``jtorch/_core/precision.py``); the others are kept, since XLA tries the algorithms itself.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from .. import cuda as _cuda
from .._runtime import absent as _absent
from .._runtime.settings import are_deterministic_algorithms_enabled, set_precision
from ._flags import Followed, change, changed, flag, group, make_settings, precision

__path__: list = []  # PyTorch's is a package
CUDNN_TENSOR_DTYPES: set[Any] = set()


conv, rnn = group(fp32_precision=precision("tf32")), group(fp32_precision=precision("tf32"))


def is_available() -> bool:
    """Return whether there is a GPU to use cuDNN on."""
    return _cuda.is_available()


def version() -> int | None:
    """Return ``None``: which cuDNN there is only XLA knows."""
    return None


def is_acceptable(tensor: Any) -> bool:
    """Return whether cuDNN would be used for a tensor."""
    return tensor.is_cuda and is_available()


def set_flags(
    _enabled: bool | None = None,
    _benchmark: bool | None = None,
    _benchmark_limit: int | None = None,
    _deterministic: bool | None = None,
    _allow_tf32: bool | None = None,
    _fp32_precision: str = "none",
) -> tuple:
    """Change settings, all but those given as ``None``, and return what they were."""
    return change(
        __name__,
        enabled=_enabled,
        benchmark=_benchmark,
        benchmark_limit=_benchmark_limit,
        deterministic=_deterministic,
        allow_tf32=_allow_tf32,
        fp32_precision=_fp32_precision,
    )


def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int | None = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
    fp32_precision: str = "none",
) -> AbstractContextManager[None]:
    """Change settings for the length of a ``with`` block."""
    return changed(
        __name__,
        enabled=enabled,
        benchmark=benchmark,
        benchmark_limit=benchmark_limit,
        deterministic=deterministic,
        allow_tf32=allow_tf32,
        fp32_precision=fp32_precision,
    )


make_settings(
    __name__,
    enabled=flag(True, "set_enabled_cudnn"),
    benchmark=flag(False, "set_benchmark_cudnn"),
    benchmark_limit=flag(None),
    deterministic=Followed(
        flag(False, "set_deterministic_cudnn"),
        lambda wanted: set_precision(
            deterministic=wanted or are_deterministic_algorithms_enabled()
        ),
    ),
    allow_tf32=Followed(
        flag(True, "set_allow_tf32_cublas"), lambda allowed: set_precision(convolutions=allowed)
    ),
    fp32_precision=precision(),
)

__getattr__ = _absent.attributes(__name__)
