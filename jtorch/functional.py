"""``torch.functional``: functions of ``torch`` under the name of the module they once stood in."""

from __future__ import annotations

import jtorch as torch

from ._runtime import absent as _absent

__all__ = [
    *("atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_shapes"),
    *("broadcast_tensors", "cartesian_prod", "cdist", "chain_matmul", "einsum", "istft", "lu"),
    *("meshgrid", "norm", "pca_lowrank", "split", "stft", "svd_lowrank", "tensordot", "unique"),
    *("unique_consecutive", "unravel_index"),
]
globals().update({name: getattr(torch, name) for name in __all__ if hasattr(torch, name)})

__getattr__ = _absent.attributes(__name__)
