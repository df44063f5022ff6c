"""Programs that run without the code of their module: ``torch.export``.

What is exported here is StableHLO (``jtorch.interop.export``), no graph of ATen: a program can be
called, differentiated, saved and loaded. What looks at or changes a graph (``graph_module``,
``run_decompositions``, passes) refuses, and so do files that PyTorch wrote.
"""

from __future__ import annotations

from .._runtime import absent as _absent
from .dynamic_shapes import Dim, dims
from .exported_program import ExportedProgram, export, load, save

__all__ = ["Dim", "ExportedProgram", "dims", "export", "load", "save"]

__getattr__ = _absent.attributes(__name__)
