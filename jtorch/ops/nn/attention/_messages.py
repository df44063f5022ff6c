"""PyTorch's words about attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...._core.cpp_names import type_name_of


def ranks(query: int, key: int, value: int) -> RuntimeError:
    """An operand of attention has fewer than two dimensions."""
    return RuntimeError(
        "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
        f"{query} key.dim: {key} and value.dim: {value} instead."
    )


def dtypes(query: str, key: str, value: str) -> RuntimeError:
    """The operands of attention differ in dtype."""
    return RuntimeError(
        "Expected query, key, and value to have the same dtype, but got query.dtype: "
        f"{type_name_of(query)} key.dtype: {type_name_of(key)} and value.dtype: "
        f"{type_name_of(value)} instead."
    )


def devices(query: Any, key: Any, value: Any) -> RuntimeError:
    """The operands of attention differ in device."""
    return RuntimeError(
        "Expected query, key, and value to have the same device type, but got query.device: "
        f"{query} key.device: {key} and value.device: {value} instead."
    )


def mask_dtype(mask: str, query: str) -> RuntimeError:
    """A mask is neither bool nor of the query's dtype."""
    return RuntimeError(
        "Expected attn_mask dtype to be bool or float or to match query dtype, but got "
        f"attn_mask.dtype: {type_name_of(mask)} and  query.dtype: {type_name_of(query)} instead."
    )


def mask_and_causal() -> RuntimeError:
    """A mask was given, and another one asked for."""
    return RuntimeError(
        "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
    )


def heads_do_not_divide() -> RuntimeError:
    """Grouped heads do not divide the heads of the query."""
    return RuntimeError("Number of heads in key and value must divide the number of heads in ")


def no_backend() -> RuntimeError:
    """All ways to compute attention are switched off."""
    return RuntimeError(
        "No viable backend for scaled_dot_product_attention was found. "
        "This is likely due to turning off both the math kernel and the fused kernels."
    )


def mask_kind(name: str) -> AssertionError:
    """A mask is of integers."""
    return AssertionError(f"only bool and floating types of {name} are supported")


def mismatched_masks(name: str, other: str) -> str:
    """Two masks are of different dtypes: a warning."""
    return (
        f"Support for mismatched {name} and {other} is deprecated. Use same type for both instead."
    )


def batched_ranks(key: int, value: int) -> AssertionError:
    """Key and value have no batch while the query has one."""
    return AssertionError(
        "For batched (3-D) `query`, expected `key` and `value` to be 3-D"
        f" but found {key}-D and {value}-D tensors respectively"
    )


def batched_padding_rank(found: int) -> AssertionError:
    """A padding mask has no batch while the query has one."""
    return AssertionError(
        "For batched (3-D) `query`, expected `key_padding_mask` to be `None` or 2-D"
        f" but found {found}-D tensor instead"
    )


def mask_rank(batched: bool, found: int) -> AssertionError:
    """A mask has neither two nor three dimensions."""
    kind = "batched (3-D)" if batched else "unbatched (2-D)"
    return AssertionError(
        f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D"
        f" but found {found}-D tensor instead"
    )


def unbatched_ranks(key: int, value: int) -> AssertionError:
    """Key and value have a batch while the query has none."""
    return AssertionError(
        "For unbatched (2-D) `query`, expected `key` and `value` to be 2-D"
        f" but found {key}-D and {value}-D tensors respectively"
    )


def unbatched_padding_rank(found: int) -> AssertionError:
    """A padding mask has a batch while the query has none."""
    return AssertionError(
        "For unbatched (2-D) `query`, expected `key_padding_mask` to be `None` or 1-D"
        f" but found {found}-D tensor instead"
    )


def unbatched_mask_shape(wanted: Sequence[int], found: Any) -> AssertionError:
    """A mask by heads has another shape than attention without a batch."""
    return AssertionError(f"Expected `attn_mask` shape to be {wanted} but got {found}")


def query_rank(found: int) -> AssertionError:
    """A query has neither two nor three dimensions."""
    return AssertionError(
        f"query should be unbatched 2D or batched 3D tensor but received {found}-D query tensor"
    )


def causal_without_mask() -> RuntimeError:
    """A mask is said to be causal, but there is none."""
    return RuntimeError(
        "Need attn_mask if specifying the is_causal hint. "
        "You may use the Transformer module method "
        "`generate_square_subsequent_mask` to create this mask."
    )


def embed_dim(wanted: int, found: int) -> AssertionError:
    """A query has another number of features than it should."""
    return AssertionError(f"was expecting embedding dimension of {wanted}, but got {found}")


def heads_of_embed_dim(found: int, heads: int) -> AssertionError:
    """The number of features is no multiple of the number of heads."""
    return AssertionError(f"embed_dim {found} not divisible by num_heads {heads}")


def key_value_lengths(key: Any, value: Any) -> AssertionError:
    """Key and value differ in length or batch."""
    return AssertionError(f"key's sequence and batch dims {key} do not match value's {value}")


def key_value_shapes(key: Any, value: Any) -> AssertionError:
    """Key and value differ in shape."""
    return AssertionError(f"key shape {key} does not match value shape {value}")


def no_weight(separate: bool, name: str) -> AssertionError:
    """A projection weight is missing."""
    return AssertionError(f"use_separate_proj_weight is {separate} but {name} is None")


def mask_shape(rank: int, found: Any, wanted: Sequence[int]) -> RuntimeError:
    """A mask has another shape than the attention weights."""
    return RuntimeError(f"The shape of the {rank}D attn_mask is {found}, but should be {wanted}.")


def mask_rank_unsupported(found: int) -> RuntimeError:
    """A mask has a number of dimensions that means nothing."""
    return RuntimeError(f"attn_mask's dimension {found} is not supported")


def bias_with_static(name: str) -> AssertionError:
    """A bias was given for a key or value that is static."""
    return AssertionError(f"bias cannot be added to static {name}.")


def one_bias(present: str, absent: str) -> AssertionError:
    """Only one of the two biases was given."""
    return AssertionError(f"{present} is set but {absent} is None")


def static_size(name: str, dim: int, wanted: int, found: int) -> AssertionError:
    """A static key or value has another size."""
    return AssertionError(f"expecting {name}.size({dim}) of {wanted}, but got {found}")


def padding_size(dim: int, wanted: int, found: int) -> AssertionError:
    """A padding mask has another size."""
    return AssertionError(f"Expected key_padded_mask.shape[{dim}] to be {wanted}, but got {found}")


def causal_with_weights() -> AssertionError:
    """Weights are wanted of causal attention without a mask."""
    return AssertionError("FIXME: is_causal not implemented for need_weights")
