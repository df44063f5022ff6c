"""Which arguments ``__torch_function__`` is handed, and the blocks in which it is not called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from .._engine.declare import FUNCTIONS, METHODS, NN_FUNCTIONS
from .._engine.recording.overrides import (
    hand_on_defaults,
    overridable,
    state,
    without_subclasses,
)

#: Functions that are Python's in PyTorch: they hand on what has no default by position and the
#: rest by name, given or not.
_OF_TORCH = (
    *("atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_tensors"),
    *("cartesian_prod", "cdist", "chain_matmul", "einsum", "lobpcg", "lu", "meshgrid", "norm"),
    *("pca_lowrank", "split", "stft", "svd_lowrank", "tensordot", "unique"),
    *("unique_consecutive", "unravel_index", "_assert"),
)
OF_NN = (
    *("adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d"),
    *("adaptive_max_pool1d_with_indices", "adaptive_max_pool2d_with_indices", "affine_grid"),
    *("adaptive_max_pool3d", "adaptive_max_pool3d_with_indices", "alpha_dropout", "batch_norm"),
    *("binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "cross_entropy"),
    *("cosine_embedding_loss", "ctc_loss", "dropout", "dropout1d", "dropout2d", "dropout3d"),
    *("elu", "embedding", "embedding_bag", "feature_alpha_dropout", "fold", "gaussian_nll_loss"),
    *("fractional_max_pool2d", "fractional_max_pool2d_with_indices", "fractional_max_pool3d"),
    *("fractional_max_pool3d_with_indices", "glu", "grid_sample", "group_norm", "huber_loss"),
    *("gumbel_softmax", "hardtanh", "hinge_embedding_loss", "instance_norm", "interpolate"),
    *("kl_div", "l1_loss", "layer_norm", "leaky_relu", "local_response_norm", "log_softmax"),
    *("lp_pool1d", "lp_pool2d", "lp_pool3d", "margin_ranking_loss", "max_pool1d", "max_pool2d"),
    *("max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d", "max_unpool1d"),
    *("max_pool3d_with_indices", "max_unpool2d", "max_unpool3d", "mish", "mse_loss", "softmax"),
    *("multi_head_attention_forward", "multi_margin_loss", "multilabel_margin_loss", "silu"),
    *("multilabel_soft_margin_loss", "nll_loss", "normalize", "pad", "poisson_nll_loss", "relu"),
    *("relu6", "rms_norm", "rrelu", "selu", "smooth_l1_loss", "soft_margin_loss", "softmin"),
    *("softsign", "tanhshrink", "threshold", "triplet_margin_loss", "unfold", "hardsigmoid"),
    *("triplet_margin_with_distance_loss", "hardswish"),
)
_OF_TENSOR = (
    *("backward", "istft", "lu", "norm", "register_hook", "split", "stft", "unique"),
    *("unique_consecutive", "__repr__", "__array__"),
)


def write_out_defaults(function: Callable, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Return the arguments of a call with the required ones by position and all others by name."""
    try:
        signature = inspect.signature(function)
        bound = signature.bind(*args, **kwargs)
    except TypeError:  # as it is: whoever runs it says what is wrong
        return args, kwargs
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            given = bound.arguments.get(name, ())
            if len(given) == 1 and isinstance(given[0], (list, tuple)):
                given = given[0]
            positional.extend(given)
        elif parameter.default is parameter.empty:
            positional.append(bound.arguments[name])
        elif parameter.default is not Ellipsis and repr(parameter.default) != "...":
            named[name] = bound.arguments.get(name, parameter.default)
        elif name in bound.arguments:
            named[name] = bound.arguments[name]
    return tuple(positional), named


def _pool(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> None: ...


def _adaptive_pool(input: Any, output_size: Any, return_indices: bool = False) -> None: ...


def _fractional_pool(
    input: Any,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> None: ...


def _einsum(equation: Any, *operands: Any) -> None: ...


#: Signatures of those that take ``*args`` here.
_SIGNATURES: dict[str, Callable] = {
    **{f"max_pool{n}d": _pool for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": _adaptive_pool for n in (1, 2, 3)},
    **{f"fractional_max_pool{n}d": _fractional_pool for n in (2, 3)},
    "einsum": _einsum,
}


def takes_all_by_name(function: Callable) -> Callable:
    """Return a function that may be overridden and hands on all its arguments by name."""
    call = overridable(function)
    signature = inspect.signature(function)

    def normalise(args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return (), dict(bound.arguments)

    hand_on_defaults(call, normalise)
    return call


def _declare(table: dict[str, Any], names: Iterable[str]) -> None:
    for name in names:
        function = table.get(name)
        if function is not None:
            described = _SIGNATURES.get(name, function)
            hand_on_defaults(function, functools.partial(write_out_defaults, described))


def attach() -> None:
    """Tell the engine which functions hand all their arguments on."""
    _declare(FUNCTIONS, _OF_TORCH)
    _declare(NN_FUNCTIONS, OF_NN)
    _declare(METHODS, _OF_TENSOR)


class DisableTorchFunctionSubclass(without_subclasses):
    """A block in which ``__torch_function__`` of the arguments' classes is not called."""

    __slots__ = ()
    __module__ = "torch._C"


class DisableTorchFunction:
    """A block in which ``__torch_function__`` is not called, of modes or of classes."""

    __module__ = "torch._C"

    def __enter__(self) -> None:
        self._before = state.subclasses, state.functions
        state.subclasses = state.functions = False

    def __exit__(self, *exception: object) -> None:
        state.subclasses, state.functions = self._before
