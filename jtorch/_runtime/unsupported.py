"""Names of PyTorch that jtorch has no tensors for: they exist, and say so when they are called.

One table: what is missing, and the names that need it. ``refusals`` makes the functions of a
namespace; those of ``torch.*`` and ``Tensor.*`` are published below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .._engine.declare import publish
from .refused_signatures import SIGNATURES

NESTED = "jtorch has no nested tensors; use a padded tensor and a mask"
QUANTISED = "jtorch has no quantised tensors; use a floating point tensor"
MKLDNN = "jtorch has no tensors in the layout of MKL-DNN; XLA chooses layouts by itself"
VENDOR = "jtorch has no operators of single vendors' libraries; call the general operator"
UNDONE_SLICES = "jtorch undoes no slices; a write to a slice already reaches its base"
DIMENSIONS = "jtorch has no first-class dimensions; index with [] or use torch.func.vmap"
HALF_COMPLEX = "jtorch has no torch.complex32; use torch.complex64"

#: Functions of ``torch`` by what they need.
_FUNCTIONS: dict[str, str] = {
    QUANTISED: """choose_qparams_optimized empty_quantized fbgemm_linear_fp16_weight
        fbgemm_linear_fp16_weight_fp32_activation fbgemm_linear_int8_weight
        fbgemm_linear_int8_weight_fp32_activation fbgemm_linear_quantize_weight
        fbgemm_pack_gemm_matrix_fp16 fbgemm_pack_quantized_matrix fused_moving_avg_obs_fake_quant
        int_repr q_per_channel_axis q_per_channel_scales q_per_channel_zero_points q_scale
        q_zero_point quantize_per_channel quantize_per_tensor quantize_per_tensor_dynamic
        quantized_batch_norm quantized_gru quantized_gru_cell quantized_lstm quantized_lstm_cell
        quantized_max_pool1d quantized_max_pool2d quantized_max_pool3d quantized_rnn_relu_cell
        quantized_rnn_tanh_cell""",
    MKLDNN: """mkldnn_adaptive_avg_pool2d mkldnn_convolution mkldnn_linear_backward_weights
        mkldnn_max_pool2d mkldnn_max_pool3d mkldnn_rnn_layer""",
    UNDONE_SLICES: "slice_inverse",
    VENDOR: """cudnn_affine_grid_generator cudnn_batch_norm cudnn_convolution
        cudnn_convolution_add_relu cudnn_convolution_relu cudnn_convolution_transpose
        cudnn_grid_sampler cudnn_is_acceptable miopen_batch_norm miopen_convolution
        miopen_convolution_add_relu miopen_convolution_relu miopen_convolution_transpose
        miopen_ctc_loss miopen_depthwise_convolution miopen_rnn batch_norm_backward_elemt
        batch_norm_backward_reduce batch_norm_elemt batch_norm_gather_stats
        batch_norm_gather_stats_with_counts batch_norm_stats batch_norm_update_stats""",
}
#: Methods of tensors by what they need.
_METHODS: dict[str, str] = {
    NESTED: "to_padded_tensor",
    QUANTISED: """int_repr q_per_channel_axis q_per_channel_scales q_per_channel_zero_points q_scale
        q_zero_point qscheme""",
    MKLDNN: "to_mkldnn",
    HALF_COMPLEX: "chalf",
    UNDONE_SLICES: "slice_inverse",
}


def refusal(name: str, reason: str, module: str = "torch") -> Callable:
    """Return a function that raises NotImplementedError, whatever it is called with.

    Where it is published with signatures, wrong arguments are refused first.

    Args:
        name: its public name, which the message begins with.
        reason: one sentence, what jtorch does not have.
        module: where it is found.
    """

    def refused(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{module}.{name}: {reason}")

    refused.__name__ = refused.__qualname__ = name
    refused.__module__ = module
    refused.__doc__ = f"""Refuse the call.

    Raises:
        NotImplementedError: always; {reason}.
    """
    return refused


def refusals(module: str, names: Iterable[str], reason: str) -> dict[str, Callable]:
    """Return the functions of a namespace that jtorch does not have."""
    return {name: refusal(name, reason, module) for name in names}


for _reason, _names in _FUNCTIONS.items():
    for _name in _names.split():
        publish(_name, refusal(_name, _reason), refused=SIGNATURES.get(_name, ()))
for _reason, _names in _METHODS.items():
    for _name in _names.split():
        method = refusal(_name, _reason, "torch.Tensor")
        publish(_name, method=method, refused=SIGNATURES.get(_name, ()))


def index(self: Any, positions: Any, dims: Any) -> Any:
    """Refuse the call, which would name dimensions of a tensor by objects.

    Raises:
        NotImplementedError: always; jtorch has no first-class dimensions.
    """
    raise NotImplementedError(f"torch.Tensor.index: {DIMENSIONS}")


publish("index", method=index)


# What a dense tensor answers itself

_EXPECTED = {
    "coalesce": "sparse coordinate tensor", "indices": "sparse coordinate tensor",
    "is_coalesced": "sparse coordinate tensor", "values": "sparse tensor",
    "crow_indices": "sparse row compressed tensor", "col_indices": "sparse row compressed tensor",
    "ccol_indices": "sparse column compressed tensor",
    "row_indices": "sparse column compressed tensor",
}  # fmt: skip


def _of_sparse(name: str, expected: str) -> Callable:
    def method(self: Any) -> Any:
        raise RuntimeError(f"{name} expected {expected} layout but got Strided")

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"""Refuse a dense tensor.

    Raises:
        RuntimeError: always; PyTorch's words for a tensor that is no {expected}.
    """
    return method


for _name, _expected in _EXPECTED.items():
    publish(_name, method=_of_sparse(_name, _expected), refused=("(Tensor input)",))


def _to_dense(self: Any, dtype: Any = None, *, masked_grad: bool | None = None) -> Any:
    """Return the tensor itself, which is dense, in another dtype where one is given."""
    return self if dtype is None else self.to(dtype)


def _sparse_dim(self: Any) -> int:
    """Return the number of sparse dimensions: none."""
    return 0


def _dense_dim(self: Any) -> int:
    """Return the number of dense dimensions: all."""
    return self.dim()


def _dequantize(input: Any) -> Any:
    """Return floating point tensors: what is not quantised is converted to float32.

    Args:
        input: a tensor, or a sequence of them.
    """
    if isinstance(input, (tuple, list)):
        return tuple([_dequantize(tensor) for tensor in input])
    return input.float()


publish(
    "to_dense",
    method=_to_dense,
    refused=("(Tensor input, ScalarType? dtype=None, *, bool? masked_grad=None)",),
)
publish("sparse_dim", method=_sparse_dim, refused=("(Tensor input)",))
publish("dense_dim", method=_dense_dim, refused=("(Tensor input)",))
publish(
    "dequantize",
    _dequantize,
    method=_dequantize,
    refused=("(Tensor input)", "(TensorList tensors)"),
)
