"""The restricted unpickler: reads tensors and plain containers, and calls nothing else.

It is a machine of PyTorch's opcodes over bytes that may say anything. Whatever they say, it answers
with an object or an exception, in time and memory that the number of bytes bounds.
"""

from __future__ import annotations

import _compat_pickle
import struct
import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable
from pickle import UnpicklingError, decode_long
from typing import Any

from .._core.size import Size
from . import _adapter, _limits
from ._guards import GUARDED, check_key, count_hash, has_own_hash
from ._messages import unsupported_global
from ._names import default_globals
from ._safe_globals import user_globals
from ._storage import StorageType

_BLOCKED_MODULES = ("sys", "os", "posix", "nt")
_DISTRIBUTED = (
    "torch.distributed.device_mesh.DeviceMesh",
    "torch.distributed.tensor._dtensor_spec.DTensorSpec",
    "torch.distributed.tensor._dtensor_spec.TensorMeta",
    "torch.distributed.tensor.DTensor",
    "torch.distributed.tensor.placement_types.Partial",
    "torch.distributed.tensor.placement_types.Replicate",
    "torch.distributed.tensor.placement_types.Shard",
)
_NESTED = (
    "torch.nested._internal.nested_tensor.NestedTensor",
    "torch.nested._internal.nested_tensor._rebuild_njt",
    "torch._dynamo.decorators._DimRange",
)


#: Classes whose objects a file may create without calling them.
_CREATED = (OrderedDict, Counter, set, Size)
#: Types of values whose length tells what it costs to copy them.
_TEXTS = frozenset((str, bytes, bytearray))
_CONTAINERS = frozenset((tuple, list, dict, set, OrderedDict, Counter, Size))


def read_name(module: str, name: str) -> tuple[str, str]:
    """Return the Python 3 name of what a file of Python 2 may name otherwise."""
    if (module, name) in _compat_pickle.NAME_MAPPING:
        return _compat_pickle.NAME_MAPPING[(module, name)]
    return _compat_pickle.IMPORT_MAPPING.get(module, module), name


class _Source:
    """Opcodes and their operands, read from bytes as from a file: at the end there is less."""

    def __init__(self, data: bytes, position: int = 0):
        self.data = data
        self.position = position

    def take(self, size: int) -> bytes:
        start = self.position
        taken = self.data[start : start + size]
        self.position = start + len(taken)
        return taken

    def opcode(self) -> int:
        """Return the next opcode.

        Raises:
            EOFError: if there is none; PyTorch's has no words either.
        """
        position = self.position
        if position >= len(self.data):
            raise EOFError
        self.position = position + 1
        return self.data[position]

    def byte(self) -> int:
        return self.take(1)[0]

    def line(self) -> str:
        start = self.position
        end = self.data.find(b"\n", start, start + _limits.MAX_NAME_BYTES)
        if end < 0:
            # A file that ends within the line: PyTorch takes the last byte for its end.
            end = len(self.data) - 1
            if end - start > _limits.MAX_NAME_BYTES:
                raise UnpicklingError(f"a name of more than {_limits.MAX_NAME_BYTES} bytes")
        self.position = end + 1
        return self.data[start : max(end, start)].decode("utf-8")

    def name(self) -> tuple[str, str]:
        module = self.line()
        return read_name(module, self.line())


class Unpickler:
    """Reads one pickle.

    Args:
        data: bytes that hold the pickle.
        position: where it begins.
        encoding: of the strings of Python 2; ``"bytes"`` leaves them bytes.
        persistent_load: takes the identifier of a storage and returns the storage.
    Attributes:
        position: where the pickle ended, after ``load``.
    """

    #: Opcodes and the machine's steps; those of PyTorch's unpickler unless a subclass has more.
    _steps: dict[int, Callable[[Any], None]]

    def __init__(
        self,
        data: bytes,
        position: int = 0,
        *,
        encoding: str = "utf-8",
        persistent_load: Callable[[Any], Any] | None = None,
    ):
        self._source = _Source(data, position)
        self._encoding = encoding
        self._persistent_load = persistent_load
        self._memo: dict[int, Any] = {}
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._budget = _limits.COPY_ALLOWANCE + _limits.COPY_RATIO * len(data)
        self._hashes: dict[int, tuple[Any, Counter]] = {}
        self._globals = default_globals()
        self._user_globals = user_globals()
        # Identity, because comparing (a tensor, say) may run code or fail.
        self._callable = {
            id(v) for v in self._globals.values() if callable(v)
        } - {id(_adapter.tensor_type())}  # fmt: skip
        self._user_values = {id(value) for value in self._user_globals.values()}

    @property
    def position(self) -> int:
        return self._source.position

    def load(self) -> Any:
        """Return the object.

        Raises:
            pickle.UnpicklingError: for what is not allowed.
            EOFError: for what ends before its end.
            IndexError, KeyError, TypeError, ValueError, struct.error: for what is damaged, as in
                PyTorch.
        """
        opcode, steps = self._source.opcode, self._steps
        while True:
            code = opcode()
            if code == 0x2E:  # STOP
                return self._pop()
            step = steps.get(code)
            if step is None:
                raise UnpicklingError(f"Unsupported operand {code}")
            step(self)

    # A pickle that takes more from the stack than is there fails with the list's own IndexError.

    def _pop(self) -> Any:
        return self._stack.pop()

    def _top(self) -> Any:
        return self._stack[-1]

    def _pop_mark(self) -> list[Any]:
        items = self._stack
        self._stack = self._marks.pop()
        return items

    # Names and calls: all that could do harm is here.

    def _global(self) -> None:
        self._find(*self._source.name())

    def _find(self, module: str, name: str) -> None:
        path = f"{module}.{name}"
        if module in _BLOCKED_MODULES:
            raise UnpicklingError(
                f"Trying to load unsupported GLOBAL {path} whose module {module} is blocked."
            )
        if path in self._globals:
            self._stack.append(self._globals[path])
        elif path in self._user_globals:
            self._stack.append(self._user_globals[path])
        elif path in _NESTED:
            raise UnpicklingError(
                "``torch.nested`` and ``torch._dynamo`` must be imported to load nested jagged "
                "tensors (NJTs)"
            )
        elif path in _DISTRIBUTED:
            raise UnpicklingError("``torch.distributed.tensor`` must be imported to load DTensors")
        else:
            raise UnpicklingError(unsupported_global(path))

    def _spend(self, *values: Any) -> None:
        """Refuse a pickle that has what it holds once copied over and over."""
        for value in values:
            kind = type(value)
            if kind in _TEXTS:
                self._budget -= len(value)
            elif kind in _CONTAINERS:
                self._budget -= len(value) * _limits.COPY_ITEM
        if self._budget < 0:
            raise UnpicklingError("the pickle asks for more copies than its size accounts for")

    def _call(self, function: Any, args: Any) -> Any:
        if id(function) in self._user_values:
            return function(*args)
        if type(function) is StorageType:
            raise TypeError("'StorageType' object is not callable")
        if id(function) not in self._callable:
            raise UnpicklingError(
                f"Trying to call reduce for unrecognized function {_shown(function)}"
            )
        if type(args) is not tuple:
            args = function(*args) if not hasattr(args, "__iter__") else tuple(args)
        self._spend(args, *args)
        if function is self._globals["torch._tensor._rebuild_from_type_v2"] and len(args) == 4:
            inner, new_type, inner_args, state = args
            args = (lambda *a: self._call(inner, a), new_type, inner_args, state)
        try:
            return GUARDED.get(function, function)(*args)
        except RecursionError:
            raise UnpicklingError(
                f"{_name_of(function)}: its arguments are nested too deeply"
            ) from None

    def _reduce(self) -> None:
        args = self._pop()
        self._stack[-1] = self._call(self._top(), args)

    def _new_object(self) -> None:
        args = self._pop()
        cls = self._pop()
        if cls is _adapter.parameter_type():
            self._stack.append(cls(*args))
        elif id(cls) in self._user_values or (cls in _CREATED and type(args) is tuple):
            self._spend(args, *args)
            self._stack.append(cls.__new__(cls, *args))
        else:
            raise UnpicklingError(
                "Can only create new object for nn.Parameter or classes allowlisted via "
                f"`add_safe_globals` but got {_shown(cls)}"
            )

    def _build(self) -> None:
        state = self._pop()
        instance = self._top()
        kind = type(instance)
        if kind is OrderedDict:
            if type(state) is not dict or not all(type(name) is str for name in state):
                raise UnpicklingError("the attributes of an OrderedDict are not a dict of names")
            self._spend(state)
            instance.__dict__.update(state)
        elif id(kind) in self._user_values or (
            kind is _adapter.parameter_type() and hasattr(instance, "__setstate__")
        ):
            self._spend(state)
            _set_state(instance, state)
        else:
            raise UnpicklingError(
                "Can only build Tensor, Parameter, OrderedDict or types allowlisted via "
                f"`add_safe_globals`, but got {kind}"
            )

    def _persistent(self) -> None:
        identifier = self._pop()
        if type(identifier) is not tuple and type(identifier) is not int:
            raise UnpicklingError(
                f"persistent_load id must be tuple or int, but got {type(identifier)}"
            )
        if type(identifier) is tuple and decode_ascii(identifier[0]) != "storage":
            raise UnpicklingError(
                f"Only persistent_load of storage is allowed, but got {type(identifier[0])}"
            )
        if self._persistent_load is None:
            raise UnpicklingError("unsupported persistent id encountered")
        self._stack.append(self._persistent_load(identifier))

    # Containers.

    def _mark(self) -> None:
        if len(self._marks) >= _limits.MAX_NESTING:
            raise UnpicklingError(f"more than {_limits.MAX_NESTING} levels of nesting")
        self._marks.append(self._stack)
        self._stack = []

    def _append(self) -> None:
        item = self._pop()
        target = self._top()
        if type(target) is not list:
            raise UnpicklingError(f"Can only append to lists, but got {type(target)}")
        target.append(item)

    def _appends(self) -> None:
        items = self._pop_mark()
        target = self._top()
        if type(target) is not list:
            raise UnpicklingError(f"Can only extend lists, but got {type(target)}")
        target.extend(items)

    def _set_items(self, opcode: str, items: list[Any]) -> None:
        target = self._top()
        if type(target) not in (dict, OrderedDict, Counter):
            raise UnpicklingError(
                f"Can only {opcode} for dict, collections.OrderedDict, collections.Counter, but "
                f"got {type(target)}"
            )
        for position in range(0, len(items), 2):
            key = items[position]
            if type(key) is not str:
                check_key(key)
                if not has_own_hash(key):
                    self._count_hash(target, key)
            target[key] = items[position + 1]

    def _count_hash(self, target: Any, key: Any) -> None:
        known = self._hashes.get(id(target))
        if known is None:
            # The dict is kept, so that no other gets its identity.
            known = self._hashes[id(target)] = target, Counter()
        count_hash(known[1], key)

    def _set_item(self) -> None:
        value = self._pop()
        key = self._pop()
        self._set_items("SETITEM", [key, value])

    def _set_items_of_mark(self) -> None:
        self._set_items("SETITEMS", self._pop_mark())

    def _tuple(self) -> None:
        items = self._pop_mark()
        self._stack.append(tuple(items))

    def _short_tuple(self, size: int) -> None:
        items = tuple([self._stack[-place] for place in range(size, 0, -1)])
        self._stack[-size:] = [items]

    # Atoms.

    def _unpacked(self, layout: struct.Struct) -> None:
        self._stack.append(layout.unpack(self._source.take(layout.size))[0])

    def _text(self) -> None:
        size = _U32.unpack(self._source.take(4))[0]
        self._stack.append(str(self._source.take(size), "utf-8", "surrogatepass"))

    def _byte_string(self) -> None:
        data = self._source.take(self._source.byte())
        if self._encoding == "bytes":
            self._stack.append(data)
            return
        self._stack.append(data.decode(self._encoding, "strict"))

    def _long(self) -> None:
        self._stack.append(decode_long(self._source.take(self._source.byte())))

    # The memo.

    def _get(self, index: int) -> None:
        self._stack.append(self._memo[index])

    def _put(self, index: int) -> None:
        if len(self._memo) >= _limits.MAX_MEMO:
            raise UnpicklingError(f"more than {_limits.MAX_MEMO} objects to remember")
        self._memo[index] = self._top()

    def _protocol(self) -> None:
        protocol = self._source.byte()
        if protocol != 2:
            warnings.warn(
                f"Detected pickle protocol {protocol} in the checkpoint, which was not the "
                "default pickle protocol used by `torch.load` (2). The weights_only Unpickler "
                "might not support all instructions implemented by this protocol, please file an "
                "issue for adding support if you encounter this.",
                stacklevel=3,
            )


def _shown(value: Any) -> str:
    """Return a text for a message; that of a container may be too large to make."""
    if callable(value) or type(value) in (int, float, bool, type(None)):
        return repr(value)
    return f"<an object of {type(value)}>"


def _name_of(function: Any) -> str:
    return getattr(function, "__name__", None) or _shown(function)


def decode_ascii(text: Any) -> Any:
    """Return bytes, as a file of Python 2 has them for text, as text."""
    return text.decode("latin-1") if isinstance(text, bytes) else text


def _set_state(instance: Any, state: Any) -> None:
    """Give an object its state as ``pickle`` does."""
    if hasattr(instance, "__setstate__"):
        instance.__setstate__(state)
        return
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        instance.__dict__.update(state)
    for name, value in (slots or {}).items():
        setattr(instance, name, value)


_U32, _U16, _I32, _F64, _U8 = map(struct.Struct, ("<I", "<H", "<i", ">d", "B"))


def _constant(value: Any) -> Callable[[Unpickler], None]:
    return lambda machine: machine._stack.append(value)


def _fresh(kind: Callable) -> Callable[[Unpickler], None]:
    return lambda machine: machine._stack.append(kind())


#: Opcode, the machine's step, and how many bytes of operand follow (``None``: it depends).
_OPCODES: list[tuple[bytes, Callable[[Unpickler], None], int | None]] = [
    (b"c", Unpickler._global, None),
    (b"\x81", Unpickler._new_object, 0),
    (b"R", Unpickler._reduce, 0),
    (b"b", Unpickler._build, 0),
    (b"Q", Unpickler._persistent, 0),
    (b"a", Unpickler._append, 0),
    (b"e", Unpickler._appends, 0),
    (b"s", Unpickler._set_item, 0),
    (b"u", Unpickler._set_items_of_mark, 0),
    (b"(", Unpickler._mark, 0),
    (b"t", Unpickler._tuple, 0),
    (b"\x85", lambda machine: machine._short_tuple(1), 0),
    (b"\x86", lambda machine: machine._short_tuple(2), 0),
    (b"\x87", lambda machine: machine._short_tuple(3), 0),
    (b"N", _constant(None), 0),
    (b"\x89", _constant(False), 0),
    (b"\x88", _constant(True), 0),
    (b")", _constant(()), 0),
    (b"]", _fresh(list), 0),
    (b"}", _fresh(dict), 0),
    (b"\x8f", _fresh(set), 0),
    (b"J", lambda machine: machine._unpacked(_I32), 4),
    (b"K", lambda machine: machine._stack.append(machine._source.byte()), 1),
    (b"M", lambda machine: machine._unpacked(_U16), 2),
    (b"G", lambda machine: machine._unpacked(_F64), 8),
    (b"X", Unpickler._text, None),
    (b"U", Unpickler._byte_string, None),
    (b"\x8a", Unpickler._long, None),
    (b"h", lambda machine: machine._get(machine._source.byte()), 1),
    (b"j", lambda machine: machine._get(_U32.unpack(machine._source.take(4))[0]), 4),
    (b"q", lambda machine: machine._put(machine._source.byte()), 1),
    (b"r", lambda machine: machine._put(_U32.unpack(machine._source.take(4))[0]), 4),
    (b"\x80", Unpickler._protocol, 1),
]
_STEPS = {code[0]: step for code, step, _ in _OPCODES}
Unpickler._steps = _STEPS
_OPERAND_SIZES = {code[0]: size for code, _, size in _OPCODES}


def globals_in(data: bytes) -> set[str]:
    """Return the full names of everything that a pickle names, without loading it.

    Raises:
        pickle.UnpicklingError, EOFError, IndexError, struct.error: for what is damaged.
    """
    source = _Source(data)
    names: set[str] = set()
    while True:
        code = source.opcode()
        if code == 0x2E:
            return names
        if code not in _OPERAND_SIZES:
            raise UnpicklingError(f"Unsupported operand {code}")
        size = _OPERAND_SIZES[code]
        if size is not None:
            source.take(size)
        elif code == 0x63:  # GLOBAL
            names.add(".".join(source.name()))
        elif code == 0x58:  # BINUNICODE
            source.take(_U32.unpack(source.take(4))[0])
        else:
            source.take(source.byte())
