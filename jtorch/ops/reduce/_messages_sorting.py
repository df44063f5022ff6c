"""PyTorch's words about sorting and searching."""

from __future__ import annotations

from collections.abc import Sequence


def no_complex_sort() -> RuntimeError:
    """``sort`` of complex numbers."""
    return RuntimeError(" Sort does not support complex dtypes on CPU")


def no_complex_topk() -> RuntimeError:
    """``topk`` of complex numbers."""
    return RuntimeError(" topk does not support complex dtypes on CPU")


def no_bool_topk() -> RuntimeError:
    """``topk`` of bools."""
    return RuntimeError("topk does not support bool dtypes on CPU")


def side(value: str) -> RuntimeError:
    """``searchsorted`` on an unknown side."""
    return RuntimeError("torch.searchsorted(): side can only be 'left' or 'right' but got " + value)


def side_conflict() -> RuntimeError:
    """``searchsorted`` with ``side`` and ``right`` that disagree."""
    return RuntimeError(
        "torch.searchsorted(): side and right can't be set to opposites, got side of left while "
        "right was True"
    )


def search_number() -> RuntimeError:
    """``searchsorted`` of a number in several sequences."""
    return RuntimeError(
        "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension "
        "is 1 or input is scalar"
    )


def search_shapes(sequences: Sequence[int], values: Sequence[int]) -> RuntimeError:
    """``searchsorted`` with other rows of values than of sequences."""
    return RuntimeError(
        "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions "
        f"of boundaries tensor and input value tensor must match, but we got boundaries tensor "
        f"{list(sequences)} and input value tensor {list(values)}"
    )


def search_dtypes(sequences: str, values: str) -> RuntimeError:
    """``searchsorted`` of another dtype."""
    return RuntimeError(
        "torch.searchsorted(): input value tensor and boundaries tensor should have same dtype, "
        f"but got input value tensor dtype {values} and boundaries tensor dtype {sequences}"
    )


def boundaries_rank(ndim: int) -> RuntimeError:
    """``bucketize`` with boundaries that are no vector."""
    return RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({ndim})")
