"""Many processes: ``torch.distributed``, as PyTorch has it where it was built without.

Programs ask ``is_available()`` first. The questions that they ask anyhow are answered as in a
process that belongs to no group; whatever would make or use a group is refused.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, NoReturn

from .._runtime import absent as _absent
from .._runtime.unsupported import refusals
from ._stores import (
    DistBackendError as DistBackendError,
)
from ._stores import (
    DistError as DistError,
)
from ._stores import (
    DistNetworkError as DistNetworkError,
)
from ._stores import (
    DistStoreError as DistStoreError,
)
from ._stores import (
    FileStore as FileStore,
)
from ._stores import (
    HashStore as HashStore,
)
from ._stores import (
    PrefixStore as PrefixStore,
)
from ._stores import (
    QueueEmptyError as QueueEmptyError,
)
from ._stores import (
    Store as Store,
)
from ._stores import (
    TCPStore as TCPStore,
)
from .rendezvous import (
    register_rendezvous_handler as register_rendezvous_handler,
)
from .rendezvous import (
    rendezvous as rendezvous,
)

_REASON = "jtorch runs in one process"
_REFUSED = (
    "init_process_group",
    "new_group",
    "broadcast",
    "all_reduce",
    "reduce",
    "all_gather",
    "all_gather_object",
    "all_gather_into_tensor",
    "broadcast_object_list",
    "gather",
    "gather_object",
    "scatter",
    "scatter_object_list",
    "reduce_scatter",
    "reduce_scatter_tensor",
    "all_to_all",
    "all_to_all_single",
    "send",
    "recv",
    "isend",
    "irecv",
    "monitored_barrier",
)


class ReduceOp:
    """Names the ways to reduce the tensors of processes, as defaults of arguments; none runs."""

    class RedOpType(enum.IntEnum):
        """The ways."""

        SUM = 0
        AVG = 1
        PRODUCT = 2
        MIN = 3
        MAX = 4
        BAND = 5
        BOR = 6
        BXOR = 7
        PREMUL_SUM = 8

        def __str__(self) -> str:
            return f"RedOpType.{self.name}"

    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR, PREMUL_SUM = RedOpType


class ProcessGroup:
    """Stands for a group of processes in annotations; there is none."""


class GroupMember:
    """Names the groups that a process belongs to; none here."""

    WORLD = None
    NON_GROUP_MEMBER = object()


group = GroupMember


def is_available() -> bool:
    """Return ``False``: jtorch runs in one process."""
    return False


def is_initialized() -> bool:
    """Return ``False``: there is no group."""
    return False


def is_torchelastic_launched() -> bool:
    """Return ``False``."""
    return False


is_nccl_available = is_gloo_available = is_mpi_available = is_ucc_available = is_available


def _of_no_group(name: str) -> Callable:
    def question(*args: Any, **kwargs: Any) -> NoReturn:
        raise ValueError(
            "Default process group has not been initialized, please make sure to call "
            "init_process_group."
        )

    question.__name__ = question.__qualname__ = name
    question.__module__ = __name__
    question.__doc__ = """Refuse the question.

    Raises:
        ValueError: always; there is no group of processes.
    """
    return question


get_rank = _of_no_group("get_rank")
get_world_size = _of_no_group("get_world_size")
get_backend = _of_no_group("get_backend")
barrier = _of_no_group("barrier")
globals().update(refusals("torch.distributed", _REFUSED, _REASON))
__getattr__ = _absent.attributes(__name__)
