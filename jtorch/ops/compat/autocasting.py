"""Which functions autocast converts the arguments of, as PyTorch 2.13 lists them.

Operators are converted where they are planned (``_engine.autocast``); functions made of other
operators here, before they run, with autocast off inside, as in PyTorch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..._core.modes import intern_mode
from ..._engine.declare import (
    FFT_FUNCTIONS,
    FUNCTIONS,
    LINALG_FUNCTIONS,
    METHODS,
    NN_FUNCTIONS,
    SPECIAL_FUNCTIONS,
)
from ..._engine.graph.op import REGISTRY
from ..._engine.graph.values import is_tensor
from ..._engine.recording.autocast import (
    BANNED,
    FLOAT32,
    LOWER,
    POLICIES,
    PROMOTE,
    is_eligible,
    target_dtype,
)
from ..._engine.recording.trace import local

_CPU = {
    LOWER: (
        "conv1d conv2d conv3d bmm mm linalg_vecdot vecdot baddbmm addmm addbmm linear matmul "
        "conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d prelu "
        "scaled_dot_product_attention _native_multi_head_attention linalg_matmul "
        # These are made of products, which PyTorch lowers one by one.
        "einsum tensordot inner chain_matmul linalg_multi_dot"
    ),
    FLOAT32: (
        "avg_pool3d pad max_unpool1d binary_cross_entropy "
        "grid_sampler grid_sampler_2d grid_sampler_3d polar prod "
        "quantile nanquantile stft cdist trace view_as_complex cholesky cholesky_inverse "
        "cholesky_solve inverse lu_solve orgqr ormqr pinverse max_pool3d max_unpool2d max_unpool3d "
        "adaptive_avg_pool3d mse_loss cosine_embedding_loss nll_loss hinge_embedding_loss "
        "poisson_nll_loss smooth_l1_loss cross_entropy l1_loss huber_loss margin_ranking_loss "
        "soft_margin_loss triplet_margin_loss multi_margin_loss ctc_loss kl_div "
        "multilabel_margin_loss binary_cross_entropy_with_logits fft_fft fft_ifft fft_fft2 "
        "fft_ifft2 fft_fftn fft_ifftn fft_rfft fft_irfft fft_rfft2 fft_irfft2 fft_rfftn fft_irfftn "
        "fft_hfft fft_ihfft linalg_cond linalg_matrix_rank linalg_solve linalg_cholesky "
        "linalg_svdvals linalg_eigvals linalg_eigvalsh linalg_inv linalg_householder_product "
        "linalg_tensorinv linalg_tensorsolve fake_quantize_per_tensor_affine geqrf qr svd "
        "triangular_solve fractional_max_pool2d fractional_max_pool3d adaptive_max_pool3d "
        "linalg_qr linalg_cholesky_ex linalg_svd linalg_eig linalg_eigh linalg_lstsq linalg_inv_ex"
    ),
    PROMOTE: "cat stack index_copy concat concatenate",
}
_CUDA = {
    LOWER: (
        "conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d "
        "convolution _convolution prelu addmm addmv addr matmul mm mv linalg_vecdot vecdot linear "
        "addbmm baddbmm bmm chain_matmul linalg_multi_dot lstm_cell gru_cell rnn_tanh_cell "
        "rnn_relu_cell scaled_dot_product_attention einsum"
    ),
    FLOAT32: (
        "acos asin cosh erfinv exp expm1 log log10 log2 log1p reciprocal rsqrt sinh tan pow "
        "softplus layer_norm native_layer_norm rms_norm group_norm frobenius_norm nuclear_norm "
        "cosine_similarity poisson_nll_loss cosine_embedding_loss nll_loss hinge_embedding_loss "
        "kl_div l1_loss smooth_l1_loss huber_loss mse_loss margin_ranking_loss "
        "multilabel_margin_loss soft_margin_loss triplet_margin_loss multi_margin_loss "
        "binary_cross_entropy_with_logits dist pdist cdist renorm logsumexp interpolate upsample "
        "prod softmax log_softmax cumprod cumsum linalg_vector_norm linalg_matrix_norm sum norm"
    ),
    PROMOTE: (
        "addcdiv addcmul atan2 bilinear cross dot grid_sampler index_put scatter_add tensordot vdot"
    ),
    BANNED: "binary_cross_entropy",
}


def _fill() -> None:
    for device_type, lists in (("cpu", _CPU), ("cuda", _CUDA)):
        for policy, names in lists.items():
            POLICIES[device_type].update(dict.fromkeys(names.split(), policy))


def _aware(name: str, function: Callable) -> Callable:
    """Return a function that converts its arguments where autocast is on."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if local.trace.mode.autocast is None:
            return function(*args, **kwargs)
        return _converted_call(name, function, args, kwargs)

    return call


def _converted_call(name: str, function: Callable, args: tuple, kwargs: dict) -> Any:
    trace = local.trace
    mode = trace.mode
    metas = _metas((*args, *kwargs.values()))
    target = target_dtype(mode, name, metas)
    if target is None:
        return function(*args, **kwargs)
    if kwargs.get("out") is None and not _is_other_operator(name, args, kwargs, metas):
        args = tuple([_converted(each, *target) for each in args])
        kwargs = {key: _converted(each, *target) for key, each in kwargs.items()}
    trace.set_mode(intern_mode(mode._replace(autocast=None)))
    try:
        return function(*args, **kwargs)
    finally:
        local.trace.set_mode(mode)


def _is_other_operator(name: str, args: tuple, kwargs: dict, metas: list[Any]) -> bool:
    """Return whether these arguments choose an operator of PyTorch that is in no list."""
    if name == "einsum":
        return len(metas) < 2 or not _contracts(args[0])
    if name == "inner":
        return all(meta.ndim < 2 for meta in metas)
    if name == "tensordot":
        dims = kwargs.get("dims", args[2] if len(args) > 2 else 2)
        contracted = dims if isinstance(dims, int) else len(dims[0])
        return all(meta.ndim == contracted for meta in metas)
    if name in ("max_pool3d", "fractional_max_pool2d", "fractional_max_pool3d"):
        return bool(kwargs.get("return_indices"))
    if name == "pad":
        mode = kwargs.get("mode", args[2] if len(args) > 2 else "constant")
        return mode not in ("reflect", "replicate")
    return False


def _contracts(equation: Any) -> bool:
    """Return whether an equation of ``einsum`` sums over anything; if not, it multiplies."""
    if not isinstance(equation, str) or "->" not in equation:
        return True
    left, _, right = equation.partition("->")
    return any(letter not in right for letter in left if letter.isalpha())


def _metas(values: Any) -> list[Any]:
    found = []
    for value in values:
        if is_tensor(value):
            found.append(value._value.meta)
        elif isinstance(value, (list, tuple)):
            found.extend(_metas(value))
    return found


def _converted(value: Any, device_type: str, dtype: Any) -> Any:
    if is_tensor(value):
        meta = value._value.meta
        if is_eligible(meta, device_type) and meta.dtype is not dtype:
            return value.to(dtype)
        return value
    if type(value) in (list, tuple):
        return type(value)([_converted(each, device_type, dtype) for each in value])
    return value


def install() -> None:
    """Let every function in the lists that is made of other operators look at autocast."""
    _fill()
    names = {name for lists in POLICIES.values() for name in lists}
    made: dict[int, Callable] = {}
    registries = (
        FUNCTIONS,
        NN_FUNCTIONS,
        LINALG_FUNCTIONS,
        FFT_FUNCTIONS,
        SPECIAL_FUNCTIONS,
        METHODS,
    )
    for registry in registries:
        for public, function in list(registry.items()):
            name = "matmul" if public in ("__matmul__", "__rmatmul__") else public
            if name not in names or name in REGISTRY or not callable(function):
                continue
            aware = made.get(id(function))
            if aware is None:
                aware = made[id(function)] = _aware(name, function)
            registry[public] = aware
