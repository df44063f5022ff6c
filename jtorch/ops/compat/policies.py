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


_INSISTENT: dict[str, DtypeRule] = {
    **dict.fromkeys(
        (
            "addmm", "baddbmm", "bmm", "mm", "cross", "softmax", "log_softmax", "aminmax", "topk",
            "sort", "msort", "gather", "index_copy", "index_add", "index_reduce", "scatter",
            "scatter_add", "scatter_reduce", "renorm", "take_along_dim", "tril", "triu", "argmax",
            "argmin", "isin", "slice_scatter", "norm", "addmv", "max", "min", "lu_unpack",
            "lu_solve", "alias_copy", "as_strided_copy", "diagonal_copy", "expand_copy",
            "permute_copy", "select_copy", "slice_copy", "split_copy", "split_with_sizes_copy",
            "squeeze_copy", "t_copy", "transpose_copy", "unbind_copy", "unfold_copy",
            "unsqueeze_copy", "view_copy", "detach_copy", "as_strided_scatter",
            "view_as_real_copy", "view_as_complex_copy",
        ),
        out_dtypes.expected_cpp_name,
    ),
    **dict.fromkeys(
        (
            "abs", "absolute", "bitwise_not", "ceil", "conj_physical", "frac", "floor", "neg",
            "negative", "round", "sign", "sgn", "trunc", "fix",
        ),
        out_dtypes.found_dtype,
    ),
    **dict.fromkeys(
        (
            "cat", "concat", "concatenate", "stack", "hstack", "vstack", "dstack", "column_stack",
            "row_stack", "_chunk_cat",
        ),
        out_dtypes.cat_type,
    ),
    **dict.fromkeys(("cummax", "cummin", "diff", "logcumsumexp"), out_dtypes.expected_scalar_type),
    **dict.fromkeys(("dot", "vdot", "matmul"), out_dtypes.does_not_match),
    **dict.fromkeys(("tensordot", "inner"), out_dtypes.tensordot),
    **dict.fromkeys(("all", "any"), out_dtypes.only_bool),
    **dict.fromkeys(("signbit", "isposinf", "isneginf"), out_dtypes.no_other_than_bool),
    **dict.fromkeys(("masked_select", "index_select"), out_dtypes.same_scalar_type),
    **dict.fromkeys(("quantile", "nanquantile"), out_dtypes.quantile_type),
    **dict.fromkeys(("amax", "amin"), out_dtypes.extremum_type),
    **dict.fromkeys(("complex", "polar"), out_dtypes.argument_out),
    **dict.fromkeys(("bucketize", "searchsorted"), out_dtypes.search_index),
    "take": out_dtypes.take,
    "kthvalue": out_dtypes.kthvalue,
    "mode": out_dtypes.mode,
    "multinomial": out_dtypes.multinomial,
    "nonzero": out_dtypes.nonzero,
    "hash_tensor": out_dtypes.hash_tensor,
    "nan_to_num": out_dtypes.nan_to_num,
    "heaviside": out_dtypes.heaviside,
    "float_power": out_dtypes.float_power,
    "where": out_dtypes.where,
    "mv": out_dtypes.mv,
    "addbmm": out_dtypes.addbmm,
    "narrow_copy": out_dtypes.narrow_copy,
}  # fmt: skip
#: Those that refuse only what no result can be cast to.
_UNCASTABLE: dict[str, DtypeRule] = {
    **dict.fromkeys(("nansum", "nanmean"), out_dtypes.nansum_kernel),
    "mean": out_dtypes.mean,
    "logsumexp": out_dtypes.logsumexp,
    "ldexp": out_dtypes.ldexp,
    "normal": out_dtypes.normal,
}


_REFUSING = {
    **dict.fromkeys(
        (
            "cat", "gather", "index_add", "index_copy", "index_select", "kthvalue",
            "masked_select", "mode", "scatter", "scatter_add", "scatter_reduce", "take", "topk",
        ),
        "refuse",
    ),
    "bmm": "refuse operands",
}  # fmt: skip
_ANY_DTYPE = ("bernoulli",)
_DECIDES_DTYPE = ("cumsum", "cumprod")
_OTHER_LAYOUT = ("cholesky_solve",)
_NUMBERS_AS_TENSORS = (
    "add", "sub", "subtract", "mul", "multiply", "div", "divide", "true_divide", "floor_divide",
    "copy",
)  # fmt: skip
_RETURNS = {
    "values indices": [
        "cummax",
        "cummin",
        "kthvalue",
        "max",
        "median",
        "min",
        "mode",
        "nanmedian",
        "sort",
        "topk",
    ],
    "min max": ["aminmax"],
    "hist bin_edges": ["histogram", "histogramdd"],
    "mantissa exponent": ["frexp"],
    "a tau": ["geqrf"],
    "sign logabsdet": ["slogdet", "linalg_slogdet"],
    "Q R": ["qr", "linalg_qr"],
    "U S V": ["svd"],
    "U S Vh": ["linalg_svd"],
    "P L U": ["lu_unpack", "linalg_lu"],
    "eigenvalues eigenvectors": ["linalg_eig", "linalg_eigh"],
    "solution residuals rank singular_values": ["linalg_lstsq"],
    "L info": ["linalg_cholesky_ex"],
    "inverse info": ["linalg_inv_ex"],
    "LU pivots": ["linalg_lu_factor"],
    "LU pivots info": ["linalg_lu_factor_ex", "_lu_with_info"],
    "LD pivots": ["linalg_ldl_factor"],
    "LD pivots info": ["linalg_ldl_factor_ex"],
    "result info": ["linalg_solve_ex"],
    "solution cloned_coefficient": ["triangular_solve"],
}


def _out_rules() -> None:
    names = {*_INSISTENT, *_UNCASTABLE, *_REFUSING, *_ANY_DTYPE, *_DECIDES_DTYPE, *_OTHER_LAYOUT}
    for name in names - set(POLICIES):
        POLICIES[name] = Out(
            dtype=_INSISTENT.get(name),
            uncastable=_UNCASTABLE.get(name),
            any_dtype=name in _ANY_DTYPE,
            decides_dtype=name in _DECIDES_DTYPE,
            overlap=_REFUSING.get(name),
            layout=name not in _OTHER_LAYOUT,
        )


def install() -> None:
    """Apply what the entries do not say themselves."""
    _out_rules()
    for fields, names in _RETURNS.items():
        for name in names:
            if name not in structseq.RETURN_TYPES:
                structseq.declare(name, fields, name not in ("histogramdd", "_lu_with_info"))
    for name in _NUMBERS_AS_TENSORS:
        for each in (name, name + "_"):
            entry = REGISTRY.get(each)
            if entry is not None:
                entry.numbers_as_tensors = entry.schema._numbers_as_tensors = True
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
