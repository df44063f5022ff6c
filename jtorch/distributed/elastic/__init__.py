"""Starting and watching the processes of a program: ``torch.distributed.elastic``."""

from __future__ import annotations

from ..._runtime import absent as _absent

__getattr__ = _absent.attributes(__name__)
