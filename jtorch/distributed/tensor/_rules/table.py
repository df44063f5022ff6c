"""The table of rules: operators by family.

What is not named has each process run it on the whole tensors; what PyTorch refuses, since its
results have sizes that only the elements tell, is refused.
"""

from __future__ import annotations

from typing import Any

import jtorch as torch

from ..._collective_counts import runs
from .. import _dispatch
from .._gradients import kinds_of
from . import indexing, matrix, pointwise, reductions, views
from .call import Rule

RULES: dict[str, Rule] = {}


def _family(
    names: str, strategies: Any, localise: Any = None, run: Any = None, searches: bool = False
) -> None:
    for name in names.split():
        RULES[name] = Rule(strategies, localise, run, searches)


_family(
    """abs acos acosh angle asin asinh atan atan2 atanh bernoulli bitwise_and bitwise_left_shift
    bitwise_not bitwise_or bitwise_right_shift bitwise_xor ceil celu clamp clamp_max clamp_min clip
    clone conj_physical copy copysign cos cosh digamma elu eq erf erfc erfinv exp exp2 expm1
    exponential float_power floor floor_divide fmax fmin fmod frac gcd ge gelu gt hardshrink
    hardsigmoid hardswish hardtanh heaviside hypot i0 igamma igammac isfinite isinf isnan isneginf
    isposinf lcm ldexp le leaky_relu lerp lgamma log log10 log1p log2 log_sigmoid
    log_sigmoid_forward logaddexp logaddexp2 logical_and logical_not logical_or logical_xor logit
    lt masked_fill maximum
    minimum mish mvlgamma nan_to_num native_dropout dropout feature_dropout ne nextafter polygamma
    pow prelu _prelu_kernel
    reciprocal relu relu6 remainder round rrelu_with_noise rsqrt rsub selu sgn sigmoid sign signbit
    silu sin sinc sinh softplus softshrink special_entr special_erfcx special_i0e special_i1
    special_i1e special_log_ndtr special_ndtri special_xlog1py special_zeta sqrt square tan tanh
    threshold trunc where xlogy addcdiv addcmul copy_ square_""",
    pointwise.pointwise,
)
_family("add sub", pointwise.additive)
_family("neg positive rad2deg deg2rad _to_copy to real imag _conj", pointwise.homogeneous)
_family("mul", pointwise.product)
_family("div true_divide", pointwise.quotient)
_family(
    """empty_like zeros_like ones_like full_like rand_like randn_like randint_like""",
    pointwise.like,
)
_family(
    """zero_ fill_ normal_ uniform_ bernoulli_ exponential_ log_normal_ geometric_ cauchy_
    random_""",
    pointwise.overwritten,
)
_family("mm", matrix.mm, searches=True)
_family("bmm", matrix.bmm, searches=True)
_family("addmm", matrix.addmm, searches=True)
_family("baddbmm", matrix.baddbmm, searches=True)
_family("mv", matrix.mv)
_family("dot vdot", matrix.dot)
_family("convolution", matrix.convolution)
_family(
    """scaled_dot_product_attention _scaled_dot_product_flash_attention_for_cpu
    _scaled_dot_product_attention_math""",
    matrix.attention,
)
_family("sum nansum", reductions.reduction("sum", ("sum",)))
_family("mean", reductions.reduction("avg", ("sum", "avg"), even=True))
_family("prod", reductions.reduction("product", ("product",)))
_family("any", reductions.reduction("sum"))
_family("all", reductions.reduction("product"))
_family("amax", reductions.reduction("max", ("max",)))
_family("amin", reductions.reduction("min", ("min",)))
_family("max", reductions.extremum("max"), searches=True)
_family("min", reductions.extremum("min"), searches=True)
_family("linalg_vector_norm", reductions.norm)
_family("argmax argmin logsumexp", reductions.whole_reduction(many=True))
_family("median nanmedian mode", reductions.whole_reduction(), searches=True)
_family("kthvalue", reductions.whole_reduction(at=2), searches=True)
_family("var std var_mean std_mean", reductions.variance)
_family(
    """_softmax _log_softmax _safe_softmax softmax log_softmax cummax cummin cumprod logcumsumexp
    glu""",
    reductions.along(),
)
_family("sort argsort", reductions.along(), searches=True)
_family("cumsum", reductions.cumulative_sum)
_family("topk", reductions.along(at=2), searches=True)
_family("flip", reductions.along(name="dims"), searches=True)
_family("roll", reductions.along(at=2, name="dims"))
_family(
    """tril triu linalg_inv_ex linalg_cholesky_ex cholesky _linalg_det linalg_matrix_exp
    linalg_pinv""",
    reductions.last_dims(2),
)
_family("fft_fft fft_ifft fft_rfft fft_irfft fft_hfft fft_ihfft", reductions.along(at=2))
_family("_fft_r2c _fft_c2c _fft_c2r", reductions.along(name="dim"))
_family(
    """mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy soft_margin_loss""",
    reductions.loss,
)
_family("nll_loss_forward nll_loss2d_forward", reductions.likelihood)
_family("t", views.transpose_matrix)
_family("transpose swapaxes", views.transpose)
_family("permute", views.permute)
_family("unsqueeze", views.unsqueeze)
_family("squeeze", views.squeeze, views.whole_squeeze, views.squeeze_part)
_family("view", views.view, views.to_part_shape)
_family("_unsafe_view reshape", views.view, views.to_part_shape, views.reshape_part)
_family("expand", views.expand, views.to_part_shape)
_family("repeat", views.repeat)
_family("select", views.select)
_family("slice narrow", views.slice_)
_family("split split_with_sizes chunk", views.apart(2))
_family("unbind", views.unbind)
_family("cat", views.cat)
_family("stack", views.stack)
_family("new_zeros new_ones new_empty new_full", views.new, views.to_part_shape)
_family("embedding", indexing.embedding, run=indexing.rows_of_part)
_family("index_select", indexing.index_select)
_family("index", indexing.index, searches=True)
_family("gather", indexing.gather)
_family("native_layer_norm rms_norm _fused_rms_norm", indexing.normalised_last, searches=True)
_family("native_group_norm", reductions.first_dim(0), indexing.batch_of_part)
_family(
    """max_pool2d_with_indices max_pool2d avg_pool2d adaptive_avg_pool2d _adaptive_avg_pool2d
    avg_pool1d max_pool1d_with_indices upsample_nearest2d upsample_bilinear2d constant_pad_nd""",
    reductions.first_dim(0),
)

#: Operators that PyTorch has no placements for.
REFUSED = frozenset(
    (
        *("allclose", "isclose", "nonzero", "masked_select", "unique_dim", "_unique2", "cdist"),
        *("unique_consecutive", "bincount", "repeat_interleave", "as_strided", "as_strided_"),
        *("resize_", "set_", "is_nonzero", "nonzero_static", "histogram"),
    )
)


def rule_of(operator: Any) -> Rule | None:
    """Return the rule of an operator, ``None`` where it is refused."""
    name = operator._opname
    if name in REFUSED or operator._overloadname.endswith("out"):
        return None
    known = RULES.get(name)
    if known is None and name.endswith("_"):
        known = RULES.get(name[:-1])
    return known or Rule(reductions.replicated)


# What is done with parts alone


def _detach(operator: Any, tensor: Any) -> Any:
    return _dispatch._wrap(tensor._local.detach(), tensor._spec, kinds_of(tensor.placements))


def _alias(operator: Any, tensor: Any, *rest: Any) -> Any:
    local = tensor._local
    return _dispatch._wrap(local.view_as(local), tensor._spec, tensor._kinds)


def _number(operator: Any, tensor: Any) -> Any:
    return operator(tensor._local)


def _equal(operator: Any, first: Any, second: Any) -> bool:
    mesh = first.device_mesh
    if first.placements != second.placements:
        second = _dispatch.redistributed(second, first.placements)
    same = torch.tensor(int(operator(first._local.detach(), second._local.detach())))
    runs("allreduce_", "c10d")
    for index in range(mesh.ndim):
        torch.distributed.all_reduce(
            same, op=torch.distributed.ReduceOp.MIN, group=mesh.get_group(index)
        )
    return bool(same.item())


def _same_size(operator: Any, first: Any, second: Any) -> bool:
    return first.shape == second.shape


SPECIAL = {
    "detach": _detach,
    "alias": _alias,
    "lift_fresh": _alias,
    "_local_scalar_dense": _number,
    "equal": _equal,
    "is_same_size": _same_size,
}
