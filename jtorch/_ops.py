"""What stands behind ``torch.ops``: operators, their overloads and their namespaces."""

from __future__ import annotations

import jtorch as torch

from ._runtime import absent as _absent
from .ops.compat.namespaces import OpNamespace as _OpNamespace
from .ops.compat.overloads import OperatorBase as OperatorBase
from .ops.compat.overloads import OpOverload as OpOverload
from .ops.compat.overloads import OpOverloadPacket as OpOverloadPacket

__all__ = ["OpOverload", "OpOverloadPacket", "OperatorBase"]
ops = torch.ops
_OpNamespace.__module__ = __name__
_OpNamespace.__name__ = _OpNamespace.__qualname__ = "_OpNamespace"

__getattr__ = _absent.attributes(__name__)
