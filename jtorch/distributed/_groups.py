"""The world and the groups within it: how they are made, and who is who in them."""

from __future__ import annotations

import atexit
import os
import warnings
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from .._core.device import Device
from . import _debugging
from ._backends import Backend, BackendConfig
from ._process_group import LAST_WAIT, ProcessGroup
from ._stores import PrefixStore, Store
from .constants import default_pg_timeout
from .rendezvous import rendezvous

_NOT_INITIALIZED = (
    "Default process group has not been initialized, please make sure to call init_process_group."
)


# The world


class GroupMember:
    """Names the groups that a process may belong to."""

    NON_GROUP_MEMBER = -100


class _World:
    """What this process belongs to."""

    def __init__(self) -> None:
        self.default: ProcessGroup | None = None
        self.groups: dict[str, ProcessGroup] = {}
        self.counted = 0
        self.times = 0

    def forget(self) -> None:
        self.default = None
        self.groups.clear()


world = _World()


class _WorldMeta(type):
    @property
    def WORLD(cls) -> ProcessGroup | None:
        return world.default

    @WORLD.setter
    def WORLD(cls, group: ProcessGroup | None) -> None:
        world.default = group


class group(metaclass=_WorldMeta):
    """Names the default group, ``group.WORLD``."""


class _GroupMember(GroupMember, metaclass=_WorldMeta):
    pass


_GroupMember.__name__ = _GroupMember.__qualname__ = "GroupMember"
GroupMember = _GroupMember  # type: ignore[misc]


def is_available() -> bool:
    """Return ``True``: processes can be brought together."""
    return True


def is_initialized() -> bool:
    """Return whether this process belongs to a world."""
    return world.default is not None


def is_gloo_available() -> bool:
    """Return ``True``: XLA connects processes by gloo."""
    return True


def is_nccl_available() -> bool:
    """Return whether there is a GPU for a group to serve."""
    import jtorch

    return jtorch.cuda.is_available()


def is_mpi_available() -> bool:
    """Return ``False``: XLA connects processes by gloo and NCCL alone."""
    return False


def is_ucc_available() -> bool:
    """Return ``False``: XLA connects processes by gloo and NCCL alone."""
    return False


def is_xccl_available() -> bool:
    """Return ``False``: XLA connects processes by gloo and NCCL alone."""
    return False


def is_backend_available(backend: str) -> bool:
    """Return whether groups can have a backend."""
    name = backend.lower()
    if name in (Backend.GLOO, Backend.FAKE):
        return True
    return name == Backend.NCCL and is_nccl_available()


def is_torchelastic_launched() -> bool:
    """Return whether a launcher started this process."""
    return os.environ.get("TORCHELASTIC_RUN_ID") is not None


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """Return ``LOCAL_RANK``, the rank among the processes of this machine.

    Raises:
        RuntimeError: no launcher has set it and no other rank is given.
    """
    if "LOCAL_RANK" in os.environ:
        return int(os.environ["LOCAL_RANK"])
    if fallback_rank is not None:
        return int(fallback_rank)
    raise RuntimeError(
        "LOCAL_RANK is not in the environment. Consider passing fallback_rank to allow "
        "`get_node_local_rank` to work, assuming you are not running in a multi-device context "
        "and want the code to run locally instead."
    )


def default_group() -> ProcessGroup:
    """Return the world.

    Raises:
        ValueError: there is none.
    """
    if world.default is None:
        raise ValueError(_NOT_INITIALIZED)
    return world.default


def resolve(of: Any) -> ProcessGroup | None:
    """Return the group that an argument means, ``None`` where this process is no member."""
    if of is None:
        return default_group()
    if of == GroupMember.NON_GROUP_MEMBER:
        return None
    return of


def warn_not_in_group(name: str) -> None:
    """Warn that a process calls a collective of a group that it does not belong to."""
    rank = -1 if world.default is None else world.default.rank()
    warnings.warn(
        f"Running {name} on global rank {rank} which does not belong to the given group.",
        stacklevel=3,
    )


def _as_timeout(timeout: Any) -> timedelta:
    if timeout is None:
        return default_pg_timeout
    if not isinstance(timeout, timedelta):
        raise TypeError(
            f"Expected timeout argument to be of type datetime.timedelta, got {timeout}"
        )
    return timeout


def _check_backends(backend: str) -> None:
    for name in BackendConfig(backend).get_device_backend_map().values():
        if name in (Backend.MPI, Backend.UCC, Backend.XCCL):
            raise RuntimeError(
                "Distributed package doesn't have MPI built in. MPI is only included if you build "
                "PyTorch from source on a host that has MPI installed."
                if name == Backend.MPI
                else f"Distributed package doesn't have {name.upper()} built in"
            )
        if name == Backend.NCCL and backend == Backend.NCCL and not is_nccl_available():
            raise RuntimeError("Distributed package doesn't have NCCL built in")
        if name not in (Backend.GLOO, Backend.NCCL, Backend.FAKE):
            raise ValueError(f"Unknown c10d backend type {name.upper()}")


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: timedelta | None = None,
    world_size: int = -1,
    rank: int = -1,
    store: Store | None = None,
    group_name: str = "",
    pg_options: Any | None = None,
    device_id: Any | None = None,
    _ranks: list[int] | None = None,
) -> None:
    """Make this process one of a world; all of them call this.

    Args:
        backend: ``gloo``, ``nccl``, ``fake``, or one for each type of device, as
            ``cpu:gloo,cuda:nccl``, which is what is taken where none is given.
        init_method: where processes meet: ``env://`` (``MASTER_ADDR``, ``MASTER_PORT``, ``RANK``
            and ``WORLD_SIZE``), ``tcp://host:port``, or ``file:///path``.
        timeout: how long a collective, and this call, may take.
        world_size, rank: how many processes there are and which of them this is, where neither the
            environment nor the URL says so.
        store: where processes meet, instead of ``init_method``.
        group_name, pg_options: ignored, as they are for gloo.
        device_id: the device that this process uses.
    Raises:
        ValueError: there is a world already, or something about it is missing.
        RuntimeError: there is no such backend.
    """
    if world.default is not None:
        raise ValueError("trying to initialize the default process group twice!")
    _debugging.set_debug_level_from_env()
    if store is not None and init_method is not None:
        raise AssertionError("Cannot specify both init_method and store.")
    if store is not None:
        if world_size <= 0:
            raise AssertionError("world_size must be positive if using store")
        if rank < 0:
            raise AssertionError("rank must be non-negative if using store")
    if device_id is not None:
        device_id = Device(device_id)
    elif init_method is None and store is None:
        init_method = "env://"
    name = Backend(backend) if backend else Backend.UNDEFINED
    limit = _as_timeout(timeout)
    if store is None and name != Backend.MPI:
        url = init_method or "env://"
        store, rank, world_size = next(iter(rendezvous(url, rank, world_size, timeout=limit)))
        store.set_timeout(limit)
    _check_backends(name)
    assert store is not None
    world.times += 1
    world.counted = 0
    if backend is None or ":" in str(backend):
        shown = str(BackendConfig(name))
    else:
        shown = str(name)
    made = _make(
        PrefixStore(f"world{world.times}", store),
        list(range(world_size)),
        rank,
        limit,
        shown,
        "default_pg",
    )
    made.bound_device_id = device_id
    if shown != Backend.FAKE:
        _meet(made._store, world_size, limit)
    world.default = made
    _register_end()


def _make(
    store: Store,
    ranks: list[int],
    rank: int,
    timeout: timedelta,
    backend: str,
    description: str,
) -> ProcessGroup:
    made: ProcessGroup = ProcessGroup.__new__(ProcessGroup)
    name = str(world.counted)
    world.counted += 1
    made._set_up(PrefixStore(name, store), ranks, rank, timeout, backend, name, description)
    world.groups[name] = made
    return made


def _meet(store: Store, size: int, timeout: timedelta) -> None:
    """Wait until all processes are there."""
    if store.add("arrived", 1) == size:
        store.set("all there", "1")
    store.wait(["all there"], timeout)


def destroy_process_group(group: Any | None = None) -> None:
    """Leave a group, or the world and all groups.

    Args:
        group: the world unless given.
    Raises:
        AssertionError: there is no such group.
    """
    if group == GroupMember.NON_GROUP_MEMBER:
        return
    left = world.default if group is None else group
    if left is None:
        raise AssertionError("Process group cannot be None")
    if left.group_name not in world.groups:
        raise ValueError("Invalid process group specified")
    if left is world.default:
        for each in reversed(list(world.groups.values())):
            each._end()
        world.forget()
    else:
        left._end()
        del world.groups[left.group_name]


def new_group(
    ranks: Sequence[int] | None = None,
    timeout: timedelta | None = None,
    backend: str | None = None,
    pg_options: Any | None = None,
    use_local_synchronization: bool = False,
    group_desc: str | None = None,
    device_id: Any | None = None,
    sort_ranks: bool = True,
) -> Any:
    """Make a group of some processes of the world.

    All processes of the world call this, in the same order; it is connected by its first
    collective.

    Args:
        ranks: of its members in the world; all unless given.
        timeout: how long a collective may take; the world's unless given.
        backend: as of ``init_process_group``; the world's unless given.
        pg_options: ignored.
        use_local_synchronization: whether members alone call this.
        group_desc: what it is for.
        device_id: the device that this process uses.
        sort_ranks: whether ranks within the group follow those in the world.
    Returns:
        The group, ``GroupMember.NON_GROUP_MEMBER`` where this process is none of it (``None`` where
        only members call).

    Raises:
        ValueError: a rank is none of the world's, or given twice.
    """
    parent = default_group()
    size = parent.size()
    if ranks is None:
        members = list(range(size))
    else:
        members = [int(rank) for rank in ranks]
        if len(set(members)) != len(members):
            raise ValueError(f"ranks list must not contain duplicate entries, got {members}")
        for rank in members:
            if not 0 <= rank < size:
                raise ValueError(
                    f"Rank {rank} is out of range. Valid ranks are 0 to {size - 1} "
                    f"(world_size={size})"
                )
        if sort_ranks:
            members.sort()
    name = Backend(backend) if backend else parent._backend
    _check_backends(name)
    own = parent.rank()
    if own not in members:
        if not use_local_synchronization:
            world.counted += 1
        return None if use_local_synchronization else GroupMember.NON_GROUP_MEMBER
    store: Store = _world_store()
    if use_local_synchronization:
        # Others have made other groups: its name is its members, and how often they made one.
        label = "_".join(map(str, members))
        again = sum(each._ranks == members for each in world.groups.values())
        store = PrefixStore(f"local/{label}/{again}", store)
    made = _make(
        store,
        members,
        members.index(own),
        parent._timeout if timeout is None else _as_timeout(timeout),
        name,
        group_desc or "undefined",
    )
    if use_local_synchronization:
        made._store = PrefixStore("members", store)
    made.bound_device_id = None if device_id is None else Device(device_id)
    return made


def _world_store() -> Store:
    return default_group()._store.underlying_store  # type: ignore[attr-defined]


def split_group(
    parent_pg: ProcessGroup | None = None,
    split_ranks: list | None = None,
    timeout: timedelta | None = None,
    pg_options: Any | None = None,
    group_desc: str | None = None,
    backend: Any = None,
) -> ProcessGroup | None:
    """Split a group into several; return the one that this process is in, if any.

    Args:
        parent_pg: the world unless given.
        split_ranks: for each part the ranks, within the parent, of its members.
    """
    if not split_ranks:
        raise ValueError("split_ranks cannot be None or empty")
    parent = default_group() if parent_pg is None else parent_pg
    found = None
    for part in split_ranks:
        ranks = [parent._ranks[rank] for rank in part]
        made = new_group(ranks, timeout, backend, pg_options, group_desc=group_desc)
        if made != GroupMember.NON_GROUP_MEMBER:
            found = made
    return found


def new_subgroups(
    group_size: int | None = None,
    group: ProcessGroup | None = None,
    timeout: timedelta | None = None,
    backend: str | None = None,
    pg_options: Any | None = None,
    group_desc: str | None = None,
) -> tuple[ProcessGroup, list[Any]]:
    """Make groups of neighbours, each of one size.

    Returns:
        The one of this process, and all of them.

    Raises:
        ValueError: the world does not divide into such groups.
    """
    size = get_world_size()
    if group_size is None:
        group_size = int(os.environ.get("LOCAL_WORLD_SIZE", size))
    if group_size <= 0:
        raise ValueError(f"The arg 'group_size' ({group_size}) must be positive")
    if size < group_size:
        raise ValueError(
            f"The arg 'group_size' ({group_size}) must not exceed the world size ({size})"
        )
    if size % group_size != 0:
        raise ValueError(f"The world size ({size}) must be divisible by 'group_size={group_size}'")
    ranks = [list(range(first, first + group_size)) for first in range(0, size, group_size)]
    return new_subgroups_by_enumeration(ranks, timeout, backend, pg_options, group_desc)


def new_subgroups_by_enumeration(
    ranks_per_subgroup_list: list[list[int]],
    timeout: timedelta | None = None,
    backend: str | None = None,
    pg_options: Any | None = None,
    group_desc: str | None = None,
) -> tuple[Any, list[Any]]:
    """Make groups of the ranks given for each.

    Returns:
        The one of this process, ``None`` where it is in none, and all of them.

    Raises:
        ValueError: a rank is in two of them.
    """
    if not ranks_per_subgroup_list:
        raise ValueError("The arg 'ranks_per_subgroup_list' cannot be empty")
    own = get_rank()
    made: list[Any] = []
    current = None
    where: dict[int, list[int]] = {}
    for ranks in ranks_per_subgroup_list:
        part = new_group(ranks, timeout, backend, pg_options, group_desc=group_desc)
        made.append(part)
        for rank in ranks:
            if rank in where:
                raise ValueError(
                    f"Rank {rank} has appeared in both subgroup {where[rank]} and {ranks}"
                )
            where[rank] = ranks
            if rank == own:
                current = part
    return current, made


# Who is who


def get_rank(group: Any | None = None) -> int:
    """Return the rank of this process in a group, -1 where it is no member."""
    found = resolve(group)
    return -1 if found is None else found.rank()


def get_world_size(group: Any | None = None) -> int:
    """Return how many processes a group has, -1 where this one is no member."""
    found = resolve(group)
    return -1 if found is None else found.size()


def get_backend(group: Any | None = None) -> str:
    """Return the name of the backend of a group."""
    found = resolve(group)
    if found is None:
        raise ValueError("Invalid process group specified")
    kinds = BackendConfig(found._backend).get_device_backend_map()
    return Backend(kinds.get("cuda" if is_nccl_available() else "cpu", found._backend))


def get_backend_config(group: Any | None = None) -> str:
    """Return the backends of a group by type of device."""
    found = resolve(group)
    if found is None:
        raise ValueError("Invalid process group specified")
    return str(BackendConfig(found._backend))


def get_process_group_ranks(group: Any | None) -> list[int]:
    """Return the ranks, in the world, of the members of a group."""
    return list((group or default_group())._ranks)


def get_group_rank(group: Any, global_rank: int) -> int:
    """Return the rank within a group of a process of the world.

    Raises:
        ValueError: it is no member.
    """
    if group is world.default:
        return global_rank
    if group is None or group.group_name not in world.groups:
        raise ValueError(
            f"Group {group} is not registered, please create group with "
            "torch.distributed.new_group API"
        )
    if global_rank not in group._ranks:
        raise ValueError(f"Global rank {global_rank} is not part of group {group}")
    return group._ranks.index(global_rank)


def get_global_rank(group: Any, group_rank: int) -> int:
    """Return the rank in the world of a member of a group.

    Raises:
        ValueError: there is no such member.
    """
    if group is world.default:
        return group_rank
    if group is None or group.group_name not in world.groups:
        raise ValueError(
            f"Group {group} is not registered, please create group with "
            "torch.distributed.new_group API"
        )
    if not 0 <= group_rank < len(group._ranks):
        raise ValueError(f"Group rank {group_rank} is not part of group {group}")
    return group._ranks[group_rank]


def get_pg_count() -> int:
    """Return how many groups this process is in."""
    return len(world.groups)


def resolve_process_group(name: str) -> ProcessGroup:
    """Return the group of a name."""
    found = world.groups.get(name)
    if found is None:
        raise RuntimeError(
            f'Could not resolve the process group registered under the name "{name}"'
        )
    return found


# The end of a process

_registered = False


def _register_end() -> None:
    global _registered
    if not _registered:
        _registered = True
        atexit.register(_end)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=world.forget)


def _end() -> None:
    """Let messages that were sent arrive, for some seconds."""
    for each in reversed(list(world.groups.values())):
        each._end_messages(LAST_WAIT)
    world.forget()
