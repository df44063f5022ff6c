"""Collectives of Python objects, which travel pickled: for processes that trust each other."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np

from ._checks import check_root_list, member_rank
from ._groups import resolve, warn_not_in_group
from ._point_to_point import recv, send
from ._process_group import ProcessGroup


def _packed(value: Any) -> np.ndarray:
    return np.frombuffer(pickle.dumps(value), np.uint8)


def _unpacked(content: np.ndarray) -> Any:
    return pickle.loads(content.tobytes())


def _gathered(group: ProcessGroup, name: str, value: Any) -> list[Any]:
    """Return the objects of all processes."""
    content = _packed(value)
    length = np.array([content.size], np.int64)
    sizes = group.received(f"{name} (its sizes)", "all_gather", length).reshape(-1).tolist()
    padded = np.pad(content, (0, max(sizes) - content.size))
    rows = group.received(name, "all_gather", padded)
    return [_unpacked(row[:size]) for row, size in zip(rows, sizes, strict=True)]


def all_gather_object(object_list: list[Any], obj: Any, group: Any = None) -> None:
    """Give each process the objects of all.

    Args:
        object_list: as many elements as there are processes; they become the objects.
        obj: that of this process; it is pickled.
    """
    members = resolve(group)
    if members is None:
        warn_not_in_group("all_gather_object")
        return None
    for index, value in enumerate(_gathered(members, "all_gather_object", obj)):
        object_list[index] = value
    return None


def gather_object(
    obj: Any,
    object_gather_list: list[Any] | None = None,
    dst: int | None = None,
    group: Any = None,
    group_dst: int | None = None,
) -> None:
    """Give one process the objects of all.

    Args:
        obj: that of this process; it is pickled.
        object_gather_list: there, as many elements as there are processes; ``None`` elsewhere.
        dst: its rank in the world, 0 unless given; ``group_dst`` is that within the group.
    """
    members = resolve(group)
    if members is None:
        warn_not_in_group("gather_object")
        return None
    root = member_rank(members, dst, group_dst, 0 if group is None else None)
    own = members.rank() == root
    check_root_list("object_gather_list", object_gather_list, own, "destination")
    found = _gathered(members, "gather_object", obj)
    if object_gather_list and own:
        for index, value in enumerate(found):
            object_gather_list[index] = value
    return None


def broadcast_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: Any = None,
    device: Any = None,
    group_src: int | None = None,
) -> None:
    """Give all processes the objects of one.

    Args:
        object_list: of the same length everywhere; its elements become the objects.
        src: its rank in the world; ``group_src`` is that within the group.
        device: ignored, objects travel through the host's memory.
    """
    members = resolve(group)
    if members is None:
        warn_not_in_group("broadcast_object_list")
        return None
    root = member_rank(members, src, group_src, 0 if group is None else None)
    own = members.rank() == root
    content = _packed(list(object_list)) if own else np.zeros(0, np.uint8)
    received = _broadcast(members, "broadcast_object_list", content, root)
    if not own:
        for index, value in enumerate(_unpacked(received)):
            object_list[index] = value
    return None


def _broadcast(group: ProcessGroup, name: str, content: np.ndarray, root: int) -> np.ndarray:
    own_size = np.array([content.size], np.int64)
    size = int(group.received(f"{name} (its size)", "broadcast", own_size, root)[0])
    padded = np.pad(content, (0, size - content.size)) if content.size < size else content
    return group.received(name, "broadcast", padded, root)


def scatter_object_list(
    scatter_object_output_list: list[Any],
    scatter_object_input_list: list[Any] | None = None,
    src: int | None = None,
    group: Any = None,
    group_src: int | None = None,
) -> None:
    """Give each process one of the objects of one of them.

    Args:
        scatter_object_output_list: its first element becomes the object.
        scatter_object_input_list: there, as many objects as there are processes.
        src: its rank in the world, 0 unless given; ``group_src`` is that within the group.
    """
    members = resolve(group)
    if members is None:
        warn_not_in_group("scatter_object_list")
        return None
    if not isinstance(scatter_object_output_list, list) or not scatter_object_output_list:
        raise ValueError(
            "Expected argument scatter_object_output_list to be a list of size at least 1."
        )
    root = member_rank(members, src, group_src, 0 if group is None else None)
    own = members.rank() == root
    if own and scatter_object_input_list is None:
        raise ValueError("source rank must provide non-None scatter_object_input_list")
    parts = [_packed(each) for each in scatter_object_input_list or ()] if own else []
    lengths = np.array([each.size for each in parts] or [0] * members.size(), np.int64)
    name = "scatter_object_list"
    sizes = members.received(f"{name} (its sizes)", "broadcast", lengths, root).tolist()
    rows = np.zeros((members.size(), max(sizes)), np.uint8)
    for row, part in zip(rows, parts, strict=False):
        row[: part.size] = part
    found = members.received(name, "all_to_all", rows)
    scatter_object_output_list[0] = _unpacked(found[root][: sizes[members.rank()]])
    return None


def send_object_list(
    object_list: list[Any],
    dst: int | None = None,
    group: Any = None,
    device: Any = None,
    group_dst: int | None = None,
    use_batch: bool = False,
) -> None:
    """Send objects to another process.

    Args:
        object_list: they are pickled.
        dst: its rank in the world; ``group_dst`` is that within the group.
        device, use_batch: ignored.
    """
    import jtorch as torch

    content = torch.from_numpy(_packed(list(object_list)).copy())
    send(torch.tensor([content.numel()]), dst, group, _OBJECTS, group_dst)
    send(content, dst, group, _OBJECTS, group_dst)


def recv_object_list(
    object_list: list[Any],
    src: int | None = None,
    group: Any = None,
    device: Any = None,
    group_src: int | None = None,
    use_batch: bool = False,
) -> int:
    """Receive objects of another process.

    Args:
        object_list: of the length that is sent; its elements become the objects.
        src: its rank in the world; ``group_src`` is that within the group.
        device, use_batch: ignored.
    Returns:
        The rank of the sender.
    """
    import jtorch as torch

    size = torch.zeros(1, dtype=torch.int64)
    recv(size, src, group, _OBJECTS, group_src)
    content = torch.zeros(int(size), dtype=torch.uint8)
    rank = recv(content, src, group, _OBJECTS, group_src)
    for index, value in enumerate(_unpacked(content.numpy())):
        object_list[index] = value
    return rank


#: The tag of messages that hold objects.
_OBJECTS = -1
