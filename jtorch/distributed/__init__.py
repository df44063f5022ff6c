"""Many processes: ``torch.distributed``.

Groups of processes and their collectives are run by XLA (``_groups.py``, ``_collectives.py``); what
is small goes by a store (``_stores.py``).
"""

from __future__ import annotations

from .._runtime import absent as _absent
from . import constants as constants
from . import distributed_c10d as distributed_c10d
from ._debugging import set_debug_level, set_debug_level_from_env
from ._groups import is_available
from ._stores import (
    DistBackendError,
    DistError,
    DistNetworkError,
    DistStoreError,
    FileStore,
    HashStore,
    QueueEmptyError,
    TCPStore,
)
from .distributed_c10d import *  # noqa: F403
from .rendezvous import register_rendezvous_handler, rendezvous

__all__ = [
    *distributed_c10d.__all__,
    "DistBackendError",
    "DistError",
    "DistNetworkError",
    "DistStoreError",
    "FileStore",
    "HashStore",
    "QueueEmptyError",
    "TCPStore",
    "is_available",
    "register_rendezvous_handler",
    "rendezvous",
    "set_debug_level",
    "set_debug_level_from_env",
]

__getattr__ = _absent.attributes(__name__)
