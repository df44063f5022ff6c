"""Sparse tensors: ``torch.sparse``. Its names exist; calling one is refused."""

from __future__ import annotations

from typing import Any

from .._runtime.unsupported import SPARSE, refusals

__all__ = [
    "SparseSemiStructuredTensor",
    "SparseSemiStructuredTensorCUSPARSELT",
    "SparseSemiStructuredTensorCUTLASS",
    "addmm",
    "as_sparse_gradcheck",
    "check_sparse_tensor_invariants",
    "log_softmax",
    "mm",
    "softmax",
    "solve",
    "sum",
    "to_sparse_semi_structured",
]
globals().update(
    refusals("torch.sparse", [*__all__, "sampled_addmm", "spdiags", "spsolve"], SPARSE)
)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'torch.sparse' has no attribute '{name}'")
