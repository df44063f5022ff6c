"""Sparse tensors: ``torch.sparse``.

A sparse tensor consists of index tensors and a tensor of values (``_tensor.py``). What is called on
it is looked up in a table (``_table.py``), to which the files here contribute by what they do:
``_construction``, ``_conversion``, ``_arithmetic``, ``_products``, ``_shapes``, ``_reductions``,
``_printing``, ``_factories`` and ``_gradients``. What is not in the table is refused in PyTorch's
words (``_refusals.py``).
"""

from __future__ import annotations

from .._runtime import absent as _absent
from . import _construction as _construction
from . import _conversion as _conversion
from . import _factories as _factories
from . import _gradients as _gradients
from . import _printing as _printing
from . import _shapes as _shapes
from ._gradcheck import as_sparse_gradcheck
from ._invariants import check_sparse_tensor_invariants
from ._legacy import TYPES as _TYPES
from ._products import addmm, mm, sampled_addmm, spsolve
from ._reductions import log_softmax, softmax, spdiags, sum
from ._semi_structured import (
    SparseSemiStructuredTensor,
    SparseSemiStructuredTensorCUSPARSELT,
    SparseSemiStructuredTensorCUTLASS,
    to_sparse_semi_structured,
)

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

solve = spsolve
globals().update(_TYPES)

for _function in (addmm, mm, sampled_addmm, spsolve, log_softmax, softmax, spdiags, sum):
    _function.__module__ = "torch.sparse"

__getattr__ = _absent.attributes(__name__)
