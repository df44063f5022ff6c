"""Operators that PyTorch's CPU has no kernel of for float8 dtypes, though XLA computes them."""

from __future__ import annotations

from typing import Any

from ..._core import dtypes, messages

_FLOAT8 = frozenset(
    (
        dtypes.float8_e4m3fn,
        dtypes.float8_e4m3fnuz,
        dtypes.float8_e5m2,
        dtypes.float8_e5m2fnuz,
        dtypes.float8_e8m0fnu,
    )
)

#: By operator, the kernel that PyTorch's message names.
_KERNELS = {
    "sum": "sum_cpu",
    "mean": "sum_cpu",
    "prod": "prod_out_cpu",
    "cumsum": "cumsum_out_cpu",
    "cumprod": "cumprod_out_cpu",
    "_max_all": "max_all",
    "_min_all": "min_all",
    "_max_index": "max_cpu",
    "_min_index": "min_cpu",
    "amax": "max_values_cpu",
    "amin": "min_values_cpu",
    "argmax": "argmax_cpu",
    "argmin": "argmin_cpu",
    "_median_all": "median_cpu",
    "_sorting_order": "sorting_kernel_method_name",
    "_topk_index": "topk_cpu",
    "_kth_index": "kthvalue_cpu",
    "_mode_index": "mode_cpu",
    "softmax": "softmax_lastdim_kernel_impl",
    "log_softmax": "log_softmax_lastdim_kernel_impl",
    "_norm": "norm_cpu",
    "linalg_vector_norm": "norm_cpu",
    "dot": "dot",
    "div": "div_cpu",
    "exp": "exp_vml_cpu",
    "log": "log_vml_cpu",
    "sin": "sin_vml_cpu",
    "sqrt": "sqrt_vml_cpu",
    "masked_fill": "masked_fill",
    "flip": "flip_cpu",
    "gather": "gather_expanded_index",
    "scatter": "scatter_gather_tensor_cpu",
}
#: The same where the other operand is a number.
_KERNELS_WITH_NUMBER = {"mul": "mul_cpu_reduced_float", "div": "div_cpu_reduced_float"}


def check(op: Any, bound: dict[str, Any]) -> None:
    """Refuse an operator of a float8 tensor that PyTorch's CPU has no kernel of.

    Args:
        op: the operator.
        bound: its arguments by name, tensors as operands.
    Raises:
        NotImplementedError: it has none.
    """
    name = op.name.rstrip("_")
    if name not in _KERNELS and name not in _KERNELS_WITH_NUMBER:
        return
    metas = [getattr(value, "meta", None) for value in bound.values()]
    found = next((meta for meta in metas if meta is not None and meta.dtype in _FLOAT8), None)
    if found is None or found.device.type != "cpu":
        return
    other = bound.get("other")
    number = other is not None and getattr(other, "meta", other) is None
    kernel = _KERNELS_WITH_NUMBER.get(name) if number else None
    kernel = kernel or _KERNELS.get(name)
    if kernel is not None:
        raise messages.not_implemented(kernel, found.dtype._legacy_name)
