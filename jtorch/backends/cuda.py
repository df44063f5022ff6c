"""Settings of products on NVIDIA's GPUs: ``torch.backends.cuda``.

Those of TF32 say how XLA multiplies float32 (``jtorch/_core/precision.py``), the others are kept.
Those of attention are the ones of ``torch.nn.attention``.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

from .. import cuda as _cuda
from .._core import attention_backends as _attention
from .._core.precision import current
from .._runtime import absent as _absent
from .._runtime.settings import set_precision
from .._tensor.tensor import Tensor
from ._flags import Followed, Settings, flag, precision

_ONE = "set_allow_tf32_cublas"


class cuBLASModule(Settings):
    """How matrices are multiplied."""

    allow_tf32 = Followed(
        flag(False, _ONE),
        lambda allowed: set_precision(products="high" if allowed else "highest"),
        lambda kept: current().products != "highest",
    )
    allow_fp16_reduced_precision_reduction = flag(True)
    allow_bf16_reduced_precision_reduction = flag(True)
    allow_fp16_accumulation = flag(False, "set_allow_fp16_accumulation_cublas")
    fp32_precision = Followed(
        precision(),
        lambda chosen: set_precision(products="high" if chosen == "tf32" else "highest"),
        lambda kept: "tf32" if current().products != "highest" else kept,
    )


matmul = cuBLASModule()


def is_built() -> bool:
    """Return whether JAX here can use NVIDIA's GPUs."""
    return _cuda.is_available()


def is_flash_attention_available() -> bool:
    """Return ``False``: attention on GPUs is XLA's."""
    return False


class _SDPAParams:
    """What a way to compute attention is asked about: ``torch.backends.cuda.SDPAParams``.

    Args:
        query, key, value: the tensors.
        attn_mask: a tensor or ``None``.
        dropout: the probability.
        is_causal, enable_gqa: as in ``scaled_dot_product_attention``.
    """

    __slots__ = ("attn_mask", "dropout", "enable_gqa", "is_causal", "key", "query", "value")

    def __init__(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None,
        dropout: float,
        is_causal: bool,
        enable_gqa: bool,
        /,
    ):
        self.query, self.key, self.value, self.attn_mask = query, key, value, attn_mask
        self.dropout, self.is_causal, self.enable_gqa = dropout, is_causal, enable_gqa


SDPAParams = _SDPAParams


def can_use_flash_attention(params: _SDPAParams, debug: bool = False) -> bool:
    """Return ``False``: no kernel of PyTorch's computes attention here."""
    return False


def can_use_efficient_attention(params: _SDPAParams, debug: bool = False) -> bool:
    """Return ``False``: no kernel of PyTorch's computes attention here."""
    return False


def can_use_cudnn_attention(params: _SDPAParams, debug: bool = False) -> bool:
    """Return ``False``: no kernel of PyTorch's computes attention here."""
    return False


def flash_sdp_enabled() -> bool:
    """Return whether attention may be computed block by block."""
    return _attention.enabled(_attention.SDPBackend.FLASH_ATTENTION)


def enable_flash_sdp(enabled: bool) -> None:
    """Say whether attention may be computed block by block."""
    _attention.allow(_attention.SDPBackend.FLASH_ATTENTION, enabled)


def mem_efficient_sdp_enabled() -> bool:
    """Return whether attention may be computed in the way that saves memory."""
    return _attention.enabled(_attention.SDPBackend.EFFICIENT_ATTENTION)


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Say whether attention may be computed in the way that saves memory."""
    _attention.allow(_attention.SDPBackend.EFFICIENT_ATTENTION, enabled)


def math_sdp_enabled() -> bool:
    """Return whether attention may be computed step by step."""
    return _attention.enabled(_attention.SDPBackend.MATH)


def enable_math_sdp(enabled: bool) -> None:
    """Say whether attention may be computed step by step."""
    _attention.allow(_attention.SDPBackend.MATH, enabled)


def cudnn_sdp_enabled() -> bool:
    """Return whether attention may be computed by cuDNN."""
    return _attention.enabled(_attention.SDPBackend.CUDNN_ATTENTION)


def enable_cudnn_sdp(enabled: bool) -> None:
    """Say whether attention may be computed by cuDNN."""
    _attention.allow(_attention.SDPBackend.CUDNN_ATTENTION, enabled)


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True,
    enable_math: bool = True,
    enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Iterator[Any]:
    """Allow only some ways to compute attention inside a ``with``; deprecated."""
    warnings.warn(
        "`torch.backends.cuda.sdp_kernel()` is deprecated. In the future, this context manager "
        "will be removed. Please see `torch.nn.attention.sdpa_kernel()` for the new context "
        "manager, with updated signature.",
        FutureWarning,
        stacklevel=3,
    )
    before = _attention.enabled_backends()
    enable_flash_sdp(enable_flash)
    enable_math_sdp(enable_math)
    enable_mem_efficient_sdp(enable_mem_efficient)
    enable_cudnn_sdp(enable_cudnn)
    try:
        yield {}
    finally:
        _attention.set_enabled(before)


__getattr__ = _absent.attributes(__name__)
