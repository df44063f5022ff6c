"""Names of the tracer behind ``torch.compile``: jtorch records calls, and traces nothing."""

from __future__ import annotations

from .._runtime import absent as _absent
from ..compiler import is_compiling as is_compiling
from ..compiler import list_backends as list_backends
from ..compiler import set_stance as set_stance
from . import config as config
from .eval_frame import OptimizedModule as OptimizedModule
from .eval_frame import optimize as optimize

__getattr__ = _absent.attributes(__name__)
