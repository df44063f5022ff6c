"""Storages and views: mutable tensors over immutable arrays.

A tensor that shares its memory with no other has no storage object: an in-place write replaces its
value. The first view of it makes a ``Storage``, a cell that holds the value of the whole memory and
a version counter; the tensor and its views then each have an ``Alias``, which says how to read the
tensor from the storage: a chain of view steps, none for the tensor that owned the memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from ..graph.memory import Memory, memory_of
from ..graph.values import LEAF, RESULT, Meta, Value
from .trace import local

_keys = itertools.count(1)


class Storage:
    """Memory shared by tensors.

    Attributes:
        value: what is in it, in the shape of the tensor that owned it.
        version: number of writes, through whichever tensor.
        counted: the version after the last write that its counter counted.
        counter: the writes that PyTorch's version counter counts, in a list shared by the tensors
            that share the counter; ``.data`` has one of its own.
        host: the NumPy array that is the truth where memory is shared with NumPy, else ``None``.
        host_owner: the array that owns that memory, ``None`` where it is unknown who may write.
        host_writable: whether NumPy may write to it.
        key: identifies the storage.
        address: what ``data_ptr`` is made of, ``None`` until asked for.
        memory: bytes that a reader of the address finds, ``None`` until asked for.
        memory_of: the value that they are those of.
        meta: Meta of the tensor that owned it, without its part in differentiation.
    """

    __slots__ = (
        "value",
        "version",
        "counted",
        "counter",
        "host",
        "host_owner",
        "host_writable",
        "key",
        "meta",
        "address",
        "memory",
        "memory_of",
        "__weakref__",
    )

    def __init__(self, value: Value, version: int = 0):
        self.value = value
        self.version = version
        self.counted = version
        self.counter = [version]
        self.host: Any = None
        self.host_owner: Any = None
        self.host_writable = True
        self.key = next(_keys)
        self.address: int | None = None
        self.memory: Any = None
        self.memory_of: Any = None
        self.meta: Meta = value.meta.with_grad(0)


def note_write(
    value: Value, storage: Storage, steps: tuple, counter: list[int], version: int
) -> None:
    """Note that the memory of a value holds something else now.

    Args:
        value: what it held.
        storage, steps: where it lies.
        counter: the version counter of the tensor that the value was of.
        version: what that showed before the write.
    """
    memory = memory_of(value)
    if memory.storage is None and memory.tensor is None:
        memory.storage, memory.steps = storage, steps
        memory.counter, memory.version = counter, version
    remember(value, memory)


def note_counter(value: Value, counter: list[int]) -> None:
    """Note that a value is of a tensor that shares memory, and has a version counter of its own."""
    memory = memory_of(value)
    if not memory.counter:
        memory.counter, memory.version = counter, counter[0]


def note_other_memory(value: Value, tensor: Any, counter: list[int]) -> None:
    """Note that the tensor of a value was given other memory (``tensor.data = other``)."""
    memory = memory_of(value)
    memory.storage = None
    memory.tensor, memory.counter, memory.version = tensor, counter, counter[0]
    remember(value, memory)


def remember(value: Value, memory: Memory) -> None:
    """Let the segments that may have saved a value know."""
    local.trace.segment.renewed = True
    if value.array is not None and value.meta.grad == RESULT:
        segment = value.segment
        if segment.rewritten is None:
            segment.rewritten = {}
        segment.rewritten[value.slot] = memory


class Alias:
    """How one tensor lies in a storage.

    Attributes:
        storage: the storage.
        steps: view steps from the storage's tensor to this one, ``(view op, arguments)`` each.
        seen: version of the storage that the tensor's ``_value`` was read from.
        base: the tensor that this one is a view of, ``None`` for the owner and for ``detach()``.
        offset: storage offset in elements, ``None`` until asked for.
        rebased: whether the view was read again from a base that is a differentiable result.
        remark: why in-place writes under grad mode are refused (a ``views.Remark``), or ``None``.
        counter: the version counter that its writes are counted by.
        leaf: whether the tensor is a leaf that only shares the memory, with no history.
        keeps: whether it is a result that only shares the memory and keeps the history it had.
        detached: whether a step, such as ``detach()``, hides writes from autograd.
    """

    __slots__ = (
        "storage",
        "steps",
        "seen",
        "base",
        "offset",
        "remark",
        "counter",
        "leaf",
        "keeps",
        "rebased",
        "detached",
    )

    def __init__(self, storage: Storage, steps: tuple, base: Any, detached: bool | None = None):
        self.storage = storage
        self.steps = steps
        self.seen = storage.version
        self.base = base
        self.offset: int | None = None
        self.remark: Any = None
        self.rebased = False
        self.counter = storage.counter
        self.leaf = False
        self.keeps = False
        self.detached = _detach(steps) if detached is None else detached


def _detach(steps: tuple) -> bool:
    return any([not step.op.differentiable for step in steps])


#: View steps that change elements on the way, and not only where they lie.
FLIPS = ("_conj", "_neg_view")


def is_flipped(tensor: Any, name: str | None = None) -> bool:
    """Return whether a tensor's elements differ from what its memory holds.

    Args:
        tensor: the tensor.
        name: ``_conj`` asks for conjugation, ``_neg_view`` for the other sign; by default any.
    """
    alias = tensor._alias
    if alias is None:
        return False
    steps = [step.op.name for step in alias.steps]
    names = FLIPS if name is None else (name,)
    return any(steps.count(each) % 2 for each in names)


#: A gradient has the dtype of its tensor.
OWN_DTYPE = object()


class Extra:
    """What few tensors have; a tensor that has none of it keeps ``None`` instead.

    Attributes:
        grad: the accumulated gradient, a tensor.
        hooks: hooks on the gradient, by id (``register_hook``), of a leaf.
        post_hooks: hooks after the accumulation, by id.
        retains_grad: whether a result keeps its gradient.
        node: the ``grad_fn`` or accumulator that was shown for it.
        grad_dtype: the dtype of its gradients, of a leaf; ``OWN_DTYPE`` for its own, ``None`` for
            any. Where it was set, ``hooks`` is a dict, so that a pass looks.
    """

    __slots__ = ("grad", "hooks", "post_hooks", "retains_grad", "node", "grad_dtype")

    def __init__(self) -> None:
        self.grad: Any = None
        self.hooks: dict[int, Callable] | None = None
        self.post_hooks: dict[int, Callable] | None = None
        self.retains_grad = False
        self.node: Any = None
        self.grad_dtype: Any = OWN_DTYPE


def extra_of(tensor: Any) -> Extra:
    """Return a tensor's extras, making them where it has none."""
    extra = tensor._extra
    if extra is None:
        extra = tensor._extra = Extra()
    return extra


class ReadAgain(AttributeError):
    """A view had to be read in the middle of a call that had taken other operands already.

    The reading comes before the call in the trie, so what the call took was forgotten: whoever is
    at it begins again, and finds the view read.
    """


class _Slow:
    """The parts that need to record operators; ``views`` provides them."""

    read: Callable[[Any], Value]
    write: Callable[[Any, Value], None]
    check_overlap: Callable[[Any, Any], None]
    refuse_overlap: Callable[[Any, Any], None]
    check_write: Callable[[Any, tuple], None]


slow = _Slow()


def current_value(tensor: Any) -> Value:
    """Return the value that a tensor has now."""
    alias = tensor._alias
    if alias is None:
        return tensor._value
    storage = alias.storage
    if alias.seen == storage.version and storage.host is None:
        return tensor._value
    return slow.read(tensor)


def overwrite(tensor: Any, value: Value) -> None:
    """Replace what a tensor holds: the end of every in-place operator."""
    old = tensor._value
    if value.meta.grad == LEAF:
        value.owner = old.owner
    if tensor._alias is not None:
        slow.write(tensor, value)
        return
    mark_stale(old)
    tensor._value = value
    tensor._writes += 1


def mark_stale(value: Value) -> None:
    """Note that a value is no longer what its tensor holds, for gradients that had saved it."""
    if value.array is not None:
        if value.meta.grad == RESULT:
            value.segment.stale.add(value.slot)
        else:
            value.slot = STALE


#: Mark in ``Value.slot`` of a ready value that was overwritten.
STALE = -1


def count_write(tensor: Any, number: int = 1) -> None:
    """Count a write to a tensor, or several."""
    if tensor._alias is None:
        tensor._writes += number
    else:
        tensor._alias.counter[0] += number


def retire(value: Value) -> None:
    """Let gradients flow to a leaf that gave up its flag only while it has the flag again."""
    tensor_of = value.owner

    def owner() -> Any:
        tensor = tensor_of()
        return tensor if tensor is not None and tensor._value.meta.grad == LEAF else None

    value.owner = owner


def storage_of(tensor: Any) -> Storage:
    """Return the storage of a tensor, making one where it has none yet."""
    alias = tensor._alias
    if alias is None:
        storage = Storage(tensor._value, tensor._writes)
        tensor._alias = Alias(storage, (), None)
        return storage
    return alias.storage


def version_of(tensor: Any) -> int:
    """Return how often the memory of a tensor was written in place."""
    alias = tensor._alias
    return tensor._writes if alias is None else alias.counter[0]
