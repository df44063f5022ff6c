"""Names of the 2:4 layout of GPUs' tensor cores, which jtorch does not have."""

from __future__ import annotations

from .._runtime.unsupported import refusals

_NAMES = [
    "SparseSemiStructuredTensor",
    "SparseSemiStructuredTensorCUSPARSELT",
    "SparseSemiStructuredTensorCUTLASS",
    "to_sparse_semi_structured",
]
_refused = refusals(
    "torch.sparse", _NAMES, "jtorch has no semi-structured layout; use a dense tensor"
)
SparseSemiStructuredTensor = _refused["SparseSemiStructuredTensor"]
SparseSemiStructuredTensorCUSPARSELT = _refused["SparseSemiStructuredTensorCUSPARSELT"]
SparseSemiStructuredTensorCUTLASS = _refused["SparseSemiStructuredTensorCUTLASS"]
to_sparse_semi_structured = _refused["to_sparse_semi_structured"]
