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


def search_in_nothing() -> RuntimeError:
    """``searchsorted`` in a tensor without dimensions."""
    return RuntimeError(
        "torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 "
        "dimension"
    )


def search_number(ndim: int) -> RuntimeError:
    """``searchsorted`` of a number in several sequences."""
    return RuntimeError(
        "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension "
        f"is 1, but we got boundaries tensor dim({ndim}) and input value's dim(0) numel(1)"
    )


def sorter_shape(sequences: Sequence[int], sorter: Sequence[int]) -> RuntimeError:
    """``searchsorted`` with an order of another shape."""
    return RuntimeError(
        "torch.searchsorted(): boundary and sorter must have the same size, but got boundary "
        f"tensor {list(sequences)}and got sorter tensor {list(sorter)}"
    )


def sorter_dtype(type_name: str) -> RuntimeError:
    """``searchsorted`` with an order that is not int64."""
    return RuntimeError(
        "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype " + type_name
    )


def sorter_range() -> RuntimeError:
    """``searchsorted`` with an order that names elements which are not there."""
    return RuntimeError("torch.searchsorted(): sorter index out of range")


def isin_dtype(type_name: str) -> RuntimeError:
    """``isin`` of truth values or complex numbers."""
    return RuntimeError(f"Unsupported input type encountered for isin(): {type_name}")


def search_shapes(sequences: Sequence[int], values: Sequence[int]) -> RuntimeError:
    """``searchsorted`` with other rows of values than of sequences."""
    return RuntimeError(
        "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions "
        f"of boundaries tensor and input value tensor must match, but we got boundaries tensor "
        f"{list(sequences)} and input value tensor {list(values)}"
    )


def boundaries_rank(ndim: int) -> RuntimeError:
    """``bucketize`` with boundaries that are no vector."""
    return RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({ndim})")
