"""What a program is, as a digest that another process can compare.

A program is a list of instructions, and an instruction's function is one of jtorch's with the
constants that planning closed over. So the digest of a program is that of its references and metas
and, for each function, of where its code stands and what is in its cells, found by walking through
them. Whatever the walk does not know for certain (a user's own function, an array, a lock) makes
``digest`` give up: a program without a digest is traced as ever. The digest also covers the source
of jtorch, the versions of what it stands on, and JAX's settings, so that equal digests mean equal
programs.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import importlib.metadata
import operator
import os
import platform
import struct
import sys
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ..._core import config, precision
from ..._core.device import CPU, Device
from ..._core.dtypes import dtype as DType
from ..graph.op import Op
from ..graph.tape import GradientPlan, Level
from ..graph.trie import Instruction
from ..graph.values import Meta
from .devices import jax_device

#: Packages of which the digest covers the source or the version, so that names will do.
_VERSIONED = ("jax", "jaxlib", "numpy", "optax", "ml_dtypes")
_STANDARD = ("builtins", "functools", "operator", "math", "_operator", "_functools", "itertools")
_KNOWN = frozenset(("jtorch", *_VERSIONED, *_STANDARD))
#: Those whose classes keep nothing outside of an object's attributes.
_PLAIN = frozenset(("jtorch", "jax", "optax", "builtins", "enum", "typing", "abc"))
#: Settings of JAX that do not change what a program computes.
_IRRELEVANT_SETTINGS = ("cache", "log", "dump", "traceback", "profiler", "debug", "distributed")
#: A walk that meets more objects has lost its way.
_MOST_OBJECTS = 500_000
_LARGEST_CONSTANT = 1 << 20  # bytes


class Unknown(Exception):
    """Something that a digest cannot speak for."""


def digest(program: Any, arguments: Iterable[Any], device: Any) -> str | None:
    """Return the digest of a program, or ``None`` where it has none.

    Args:
        program: a ``programs.Program``.
        arguments: the arrays that it is called with; their types count.
        device: the Device that it runs on.
    """
    walk = _Walk()
    try:
        walk.raw(_surroundings())
        walk.add(str(device))
        if device is not CPU:
            walk.add(tuple(precision.current()))
        hardware = jax_device(device)
        walk.add((hardware.platform, hardware.device_kind, hardware.client.platform_version))
        walk.add(
            (program.used_inputs, program.returned, program.donated)
            + (program.uses_floats, program.uses_ints, config.XLA_OPTIONS)
        )
        for argument in arguments:
            kind = jax.typeof(argument)
            walk.add((kind.shape, kind.dtype, kind.weak_type))
        for instruction in program.instructions:
            walk.add(instruction)
    except (Unknown, RecursionError):
        return None
    return walk.result()


def _of_meta(meta: Meta) -> tuple:
    return meta.shape, meta.dtype, meta.device, meta.strides, meta.grad


def _of_instruction(instruction: Instruction) -> tuple:
    return (
        instruction.function,
        instruction.operands,
        instruction.slot,
        instruction.metas,
        instruction.gradient_operands,
        instruction.saves,
        instruction.saves_result,
        instruction.vjp,
    )


def _of_plan(plan: GradientPlan) -> tuple:
    return plan.needs, plan.views, plan.targets, plan.metas, plan.order


def _of_level(level: Level) -> tuple:
    # What a gradient uses of the instructions is in its plan; ``freed`` was looked at in planning.
    return level.input_metas, level.edges


def _of_op(op: Op) -> tuple:
    if op.function.__module__.partition(".")[0] not in _KNOWN:  # its source is not covered
        raise Unknown(op)
    return (op.name,)


def _of_function(function: types.FunctionType) -> tuple:
    code = function.__code__
    cells = []
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            cells.append((name, cell.cell_contents))
        except ValueError:  # not filled yet
            cells.append((name, _Walk))
    return (
        *(function.__module__, function.__qualname__),
        *(code, function.__defaults__, function.__kwdefaults__),
        *(sorted(vars(function).items()), *cells),
    )


def _of_code(code: types.CodeType) -> tuple:
    # Two lambdas can stand on one line.
    return code.co_firstlineno, code.co_code, code.co_names, code.co_consts


def _of_array(array: np.ndarray) -> tuple:
    if array.dtype.hasobject or array.nbytes > _LARGEST_CONSTANT:
        raise Unknown(array)
    return array.dtype, array.shape, array.tobytes()


#: What stands for an object of a class that needs more care than naming its attributes.
PARTS: dict[type, Callable[[Any], tuple]] = {
    Meta: _of_meta,
    Instruction: _of_instruction,
    GradientPlan: _of_plan,
    Level: _of_level,
    Op: _of_op,
    DType: lambda dtype: (repr(dtype),),
    Device: lambda device: (str(device),),
    types.FunctionType: _of_function,
    types.CodeType: _of_code,
    types.MethodType: lambda method: (method.__func__, method.__self__),
    functools.partial: lambda partial: (partial.func, partial.args, partial.keywords),
    np.ndarray: _of_array,
    slice: lambda cut: (cut.start, cut.stop, cut.step),
    range: lambda numbers: (numbers.start, numbers.stop, numbers.step),
}
_VALUES = frozenset(map(type, (None, True, 0, "", b"", ..., NotImplemented)))


class _Walk:
    """A walk through objects, writing down what it meets. An object met again is a number."""

    def __init__(self) -> None:
        self.hash = hashlib.blake2b(digest_size=20)
        self.met: dict[int, tuple[int, Any]] = {}  # with the objects, whose ids must not be reused

    def result(self) -> str:
        return self.hash.hexdigest()

    def raw(self, content: bytes) -> None:
        self.hash.update(b"%d:" % len(content))
        self.hash.update(content)

    def name(self, *words: str) -> None:
        self.raw("\0".join(words).encode(errors="surrogatepass"))

    def add(self, found: Any) -> None:
        """Write down an object and all that it consists of.

        Raises:
            Unknown: it holds something that cannot be compared between processes.
        """
        kind = found.__class__
        if kind in _VALUES:
            self.name(kind.__name__, repr(found))
        elif kind is tuple or kind is list:
            self.name(kind.__name__, str(len(found)))
            for each in found:
                self.add(each)
        elif kind is float or kind is complex:
            self.name(kind.__name__)
            self.raw(struct.pack("<dd", found.real, found.imag))
        elif isinstance(found, np.dtype):
            self.name("dtype", found.str, found.name)
        elif isinstance(found, np.generic):
            self.name("scalar", found.dtype.str, found.dtype.name)
            self.raw(found.tobytes())
        elif id(found) in self.met:
            self.name("again", str(self.met[id(found)][0]))
        elif len(self.met) > _MOST_OBJECTS:
            raise Unknown(found)
        else:
            self.met[id(found)] = len(self.met), found
            self._object(kind, found)

    def _object(self, kind: type, found: Any) -> None:
        name = _public_name(found)
        if name is not None:
            self.name("name", *name)
            return
        self.name("object", kind.__module__, kind.__qualname__)
        parts = PARTS.get(kind)
        if parts is not None:
            if kind is types.FunctionType and _package(found) not in _KNOWN:
                raise Unknown(found)
            for each in parts(found):
                self.add(each)
        elif not all(each.__module__.partition(".")[0] in _PLAIN for each in kind.__mro__):
            raise Unknown(found)
        elif isinstance(found, enum.Enum):
            self.name(found.name)
        elif isinstance(found, (set, frozenset)):
            self._set(found)
        else:
            self._attributes(found)

    def _set(self, found: Any) -> None:
        digests = []
        for each in found:
            walk = _Walk()
            walk.add(each)
            digests.append(walk.hash.digest())
        for each in sorted(digests):
            self.raw(each)

    def _attributes(self, found: Any) -> None:
        """Write down the contents and the attributes of an object."""
        attributes = dict(getattr(found, "__dict__", {}))
        for each in type(found).__mro__:
            slots = each.__dict__.get("__slots__", ())
            for slot in (slots,) if isinstance(slots, str) else slots:
                if hasattr(found, slot):
                    attributes[slot] = getattr(found, slot)
        if isinstance(found, dict):
            self.add(list(found.items()))
        elif isinstance(found, (tuple, list)):
            self.add(list(found))
        elif isinstance(found, (int, float, str, bytes)):
            self.name(repr(found))
        elif not attributes and _package(type(found)) != "jtorch":
            raise Unknown(found)  # such as ``object()``
        self.add(sorted(attributes))
        for _, attribute in sorted(attributes.items()):
            self.add(attribute)


def _package(found: Any) -> str:
    return (getattr(found, "__module__", None) or "").partition(".")[0]


def _public_name(found: Any) -> tuple[str, str] | None:
    """Return the module and the name under which a module has just this object."""
    module = getattr(found, "__module__", None)
    name = getattr(found, "__qualname__", None) or getattr(found, "__name__", None)
    if not isinstance(module, str) or not isinstance(name, str) or _package(found) not in _KNOWN:
        return None
    there: Any = sys.modules.get(module)
    for part in name.split("."):
        there = getattr(there, part, None)
    return (module, name) if there is found else None


@functools.cache
def _source() -> bytes:
    """Return a digest of jtorch's own source and of the versions of what it stands on."""
    digest = hashlib.blake2b(digest_size=20)
    root = str(Path(__file__).resolve().parents[2])
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            if name.endswith(".py"):
                digest.update(f"\0{folder[len(root) :]}/{name}\0".encode())
                with open(os.path.join(folder, name), "rb") as file:
                    digest.update(file.read())
    versions = [f"{name} {importlib.metadata.version(name)}" for name in _VERSIONED]
    words = (*versions, platform.python_version(), os.environ.get("XLA_FLAGS", ""))
    digest.update("\0".join(words).encode())
    return digest.digest()


def _surroundings() -> bytes:
    """Return a digest of what every program depends on."""
    return _written(_settings()(jax.config))


@functools.lru_cache(maxsize=16)
def _written(settings: tuple) -> bytes:
    return _source() + repr(settings).encode()


@functools.cache
def _settings() -> Callable[[Any], tuple]:
    """Return a function that gives the values of JAX's settings on which programs may depend."""
    names = sorted(name for name in jax.config.values if hasattr(jax.config, name))
    return operator.attrgetter(
        *[name for name in names if not any(word in name for word in _IRRELEVANT_SETTINGS)]
    )
