"""Sparse tensors: ``torch.sparse``. Its names exist; calling one is refused."""

from __future__ import annotations

from .._runtime import absent as _absent
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


__getattr__ = _absent.attributes(__name__)
