"""PyTorch's operator database: the samples of sparse layouts, each right or listed."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

LAYOUTS = {
    "sparse_coo": "supports_sparse",
    "sparse_csr": "supports_sparse_csr",
    "sparse_csc": "supports_sparse_csc",
    "sparse_bsr": "supports_sparse_bsr",
    "sparse_bsc": "supports_sparse_bsc",
}
#: How many samples of an operator differ, with the reason.
DIFFERENT = {
    ("to_sparse", "sparse_csr"): (1, "a method without a function of its name"),
    ("to_sparse", "sparse_csc"): (1, "a method without a function of its name"),
}
RANDOM = ("randn_like",)


def entries():
    """Return the operators that have samples of a sparse layout, by name and layout."""
    try:
        from torch.testing._internal.common_methods_invocations import op_db
    except ImportError:  # without PyTorch nothing is collected
        return {}
    return {
        (entry.name, layout): entry
        for entry in op_db
        for layout, flag in LAYOUTS.items()
        if getattr(entry, flag)
    }


ENTRIES = entries()


def samples_of(entry, layout):
    """Return PyTorch's samples of a layout; where it has none, its dense ones in that layout."""
    import torch

    kind = getattr(torch, layout)
    try:
        samples = list(entry.sample_inputs_sparse(kind, "cpu", torch.float32))
    except (NotImplementedError, pytest.skip.Exception, __import__("unittest").SkipTest):
        samples = []
    if samples:
        return samples
    options = {"blocksize": (1, 1)} if layout.startswith("sparse_bs") else {}
    for sample in entry.sample_inputs("cpu", torch.float32):
        dense = sample.input
        if isinstance(dense, torch.Tensor) and (layout == "sparse_coo" or dense.ndim >= 2):
            try:
                sample.input = dense.to_sparse(layout=kind, **options)
            except RuntimeError:
                continue
            samples.append(sample)
    return samples


def converted(value):
    """Return an argument as one of jtorch."""
    import torch

    import jtorch

    if isinstance(value, torch.Tensor):
        if value.layout is torch.sparse_coo:
            return jtorch.sparse_coo_tensor(
                converted(value._indices()),
                converted(value._values()),
                tuple(value.shape),
                is_coalesced=value.is_coalesced() or None,
            )
        if value.layout is not torch.strided:
            rows = value.layout in (torch.sparse_csr, torch.sparse_bsr)
            first = value.crow_indices() if rows else value.ccol_indices()
            second = value.col_indices() if rows else value.row_indices()
            return jtorch.sparse_compressed_tensor(
                *map(converted, (first, second, value.values())),
                tuple(value.shape),
                layout=converted(value.layout),
            )
        return jtorch.from_numpy(value.detach().numpy().copy())
    if isinstance(value, (torch.dtype, torch.layout, torch.memory_format)):
        return getattr(jtorch, str(value).removeprefix("torch."))
    if isinstance(value, torch.device):
        return jtorch.device(str(value))
    if isinstance(value, (list, tuple)):
        return type(value)(map(converted, value))
    if isinstance(value, dict):
        return {name: converted(each) for name, each in value.items()}
    return value


def difference(expected, found, is_random: bool) -> str:
    """Return in what two results differ, nothing where they agree."""
    import torch

    if not isinstance(expected, torch.Tensor):
        return "" if expected == found else f"{found} for {expected}"
    for name in ("layout", "shape", "dtype"):
        own, other = str(getattr(found, name)), str(getattr(expected, name))
        if own != other:
            return f"{name} {own} for {other}"
    if expected.layout is not torch.strided:
        if expected._nnz() != found._nnz():
            return f"{found._nnz()} elements for {expected._nnz()}"
        if (expected.sparse_dim(), expected.dense_dim()) != (found.sparse_dim(), found.dense_dim()):
            return "dimensions"
        expected, found = expected.to_dense(), found.to_dense()
    if is_random:
        return ""
    close = np.allclose(found.numpy(), expected.numpy(), rtol=1e-4, atol=1e-5, equal_nan=True)
    return "" if close else f"{found} for {expected}"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "layout"), list(ENTRIES), ids=lambda value: str(value))
def test_samples(name, layout):
    import torch

    import jtorch

    entry = ENTRIES[name, layout]
    function = jtorch
    for part in name.split("."):
        function = getattr(function, part, None)
    torch.manual_seed(0)  # samples are random
    count, wrong = 0, []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sample in samples_of(entry, layout):
            try:
                expected = entry.op(sample.input, *sample.args, **sample.kwargs)
            except (RuntimeError, NotImplementedError, ValueError, IndexError):
                continue
            count += 1
            try:
                found = function(
                    converted(sample.input), *converted(sample.args), **converted(sample.kwargs)
                )
                words = difference(expected, found, name in RANDOM)
            except Exception as error:
                words = f"{type(error).__name__}: {error}"
            if words:
                wrong.append(f"{words} ({sample.args}, {sample.kwargs})"[:300])
    assert count or name in RANDOM  # PyTorch refuses all of those
    known, _ = DIFFERENT.get((name, layout), (0, ""))
    assert len(wrong) == known, "\n".join(wrong[:5])


def test_there_are_many():
    assert len(ENTRIES) > 150
