"""Policies that have not found their way into the entries of their operators yet."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..._core import structseq
from ..._engine.declare import (
    FFT_FUNCTIONS,
    FUNCTIONS,
    LINALG_FUNCTIONS,
    METHODS,
    NN_FUNCTIONS,
    SPECIAL_FUNCTIONS,
)
from ..._engine.graph.op import REGISTRY
from ..._engine.recording import autocast
from ..._engine.recording.autocast import BANNED, FLOAT32, LOWER, PROMOTE, Autocast
from ..._engine.recording.out import POLICIES, DtypeRule, Out
from .._shared import out_dtypes

_CPU = {
    LOWER: (
        "conv1d conv2d conv3d vecdot linear matmul conv_transpose1d conv_transpose2d "
        "conv_transpose3d scaled_dot_product_attention einsum tensordot inner chain_matmul"
    ),
    FLOAT32: (
        "avg_pool3d pad max_unpool1d binary_cross_entropy grid_sampler grid_sampler_2d "
        "grid_sampler_3d quantile nanquantile stft cdist max_pool3d max_unpool2d max_unpool3d "
        "adaptive_avg_pool3d mse_loss nll_loss smooth_l1_loss cross_entropy l1_loss "
        "huber_loss soft_margin_loss multi_margin_loss multilabel_margin_loss fft_fft "
        "fft_ifft fft_fft2 fft_ifft2 fft_fftn fft_ifftn fft_rfft fft_irfft fft_rfft2 "
        "fft_irfft2 fft_rfftn fft_irfftn fft_hfft fft_ihfft linalg_matrix_rank "
        "fake_quantize_per_tensor_affine fractional_max_pool2d fractional_max_pool3d "
        "adaptive_max_pool3d"
    ),
}
_CUDA = {
    LOWER: (
        "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution "
        "_convolution matmul vecdot linear chain_matmul lstm_cell gru_cell rnn_tanh_cell "
        "rnn_relu_cell scaled_dot_product_attention einsum"
    ),
    FLOAT32: (
        "acos asin cosh erfinv exp expm1 log log10 log2 log1p sinh tan softplus nll_loss "
        "l1_loss smooth_l1_loss huber_loss mse_loss multilabel_margin_loss soft_margin_loss "
        "multi_margin_loss cdist interpolate upsample norm"
    ),
    PROMOTE: ("grid_sampler index_put tensordot"),
    BANNED: ("binary_cross_entropy"),
}


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


_DTYPE_RULES: dict[str, DtypeRule] = {
    **dict.fromkeys(
        (
            "norm",
            "max",
            "min",
            "alias_copy",
            "diagonal_copy",
            "expand_copy",
            "permute_copy",
            "select_copy",
            "slice_copy",
            "split_copy",
            "split_with_sizes_copy",
            "squeeze_copy",
            "t_copy",
            "transpose_copy",
            "unbind_copy",
            "unfold_copy",
            "unsqueeze_copy",
            "view_copy",
            "view_as_real_copy",
            "view_as_complex_copy",
        ),
        out_dtypes.expected_cpp_name,
    ),
    **dict.fromkeys(("ceil", "floor", "trunc", "fix"), out_dtypes.found_dtype),
    **dict.fromkeys(
        ("hstack", "vstack", "dstack", "column_stack", "row_stack"), out_dtypes.cat_type
    ),
    **dict.fromkeys(("cummax", "cummin"), out_dtypes.expected_scalar_type),
    "matmul": out_dtypes.does_not_match,
    "tensordot": out_dtypes.tensordot,
    **dict.fromkeys(("signbit", "isposinf", "isneginf"), out_dtypes.no_other_than_bool),
    **dict.fromkeys(("quantile", "nanquantile"), out_dtypes.quantile_type),
    "multinomial": out_dtypes.multinomial,
}
_UNCASTABLE: dict[str, DtypeRule] = {"normal": out_dtypes.normal}
_ANY_DTYPE = ("bernoulli",)
_RETURNS = {"values indices": ["cummax", "cummin", "max", "median", "min", "nanmedian"]}


def install() -> None:
    """Apply what the entries do not say themselves."""
    for name in {*_DTYPE_RULES, *_UNCASTABLE, *_ANY_DTYPE} - set(POLICIES):
        POLICIES[name] = Out(
            dtype=_DTYPE_RULES.get(name),
            uncastable=_UNCASTABLE.get(name),
            any_dtype=name in _ANY_DTYPE,
        )
    for fields, names in _RETURNS.items():
        for name in names:
            structseq.declare(name, fields, True)
    lists: dict[str, dict[str, str]] = {}
    for device_type, policies in (("cpu", _CPU), ("cuda", _CUDA)):
        for policy, joined in policies.items():
            for name in joined.split():
                lists.setdefault(name, {})[device_type] = policy
    declared = {name for policies in autocast.POLICIES.values() for name in policies}
    converting: dict[int, Callable] = {}
    tables = (
        FUNCTIONS,
        NN_FUNCTIONS,
        LINALG_FUNCTIONS,
        FFT_FUNCTIONS,
        SPECIAL_FUNCTIONS,
        METHODS,
    )
    for name in lists.keys() - declared:
        unless = functools.partial(_is_other_operator, name)
        autocast.declare(name, Autocast(**lists[name], unless=unless))
    for table in tables:
        for public, function in list(table.items()):
            name = "matmul" if public in ("__matmul__", "__rmatmul__") else public
            if name not in lists or name in declared or name in REGISTRY or not callable(function):
                continue
            aware = converting.get(id(function))
            if aware is None:
                aware = converting[id(function)] = autocast.converting(name, function)
            table[public] = aware
