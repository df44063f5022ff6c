"""Write the ``.pyi`` files of jtorch: what editors and type checkers know of it.

Functions and methods derive from operator entries when jtorch is imported, so no source spells
them out; this reads the imported package and does. Run it after adding an operator::

    nox -s stubs              # or: python tools/make_stubs.py
    python tools/make_stubs.py --check
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import keyword
import math
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import stub_types as known  # noqa: E402

import jtorch  # noqa: E402
from jtorch._core.schema.schema import Schema, Signature  # noqa: E402
from jtorch._core.schema.types import INT_LISTS, Parameter  # noqa: E402
from jtorch._core.structseq import RETURN_TYPES  # noqa: E402
from jtorch._engine.declare import FUNCTIONS, METHODS, NN_FUNCTIONS  # noqa: E402
from jtorch._engine.recording.signatures import CallSignature, overloads_of  # noqa: E402
from jtorch._runtime import absent  # noqa: E402

PACKAGE = ROOT / "jtorch"
WIDTH = 100
#: Modules that are filled when they are imported; one that does not exist yet is left out.
MODULES = ("jtorch", "jtorch.nn.functional", "jtorch.linalg", "jtorch.special", "jtorch.fft")

HEADER = """\
# Made by tools/make_stubs.py (nox -s stubs); edits are lost.
# ruff: noqa
# mypy: disable-error-code="overload-overlap, overload-cannot-match, misc, override, type-arg"
from builtins import bool as _bool, complex as _complex, float as _float, int as _int, str as _str
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, Self, TypeAlias, overload

import numpy as np

"""
ALIASES = """
_Number: TypeAlias = _int | _float | _complex
_DeviceLike: TypeAlias = _device | _str | _int
"""
#: Classes that the aliases and signatures use: alias, module of jtorch, name there.
CLASSES = (
    ("_Generator", "_runtime.generator", "Generator"),
    ("_Storage", "storage", "UntypedStorage"),
    ("_device", "_core.device", "Device"),
    ("_dtype", "_core.dtypes", "dtype"),
    ("_layout", "_core.layout", "layout"),
    ("_memory_format", "_core.memory_format", "memory_format"),
    ("_Size", "_core.size", "Size"),
)

_KINDS = {
    "Scalar": "_Number",
    "int64_t": "_int",
    "SymInt": "_int",
    "DeviceIndex": "_int",
    "double": "_float",
    "complex": "_complex",
    "bool": "_bool",
    "TensorList": "Sequence[Tensor]",
    "c10::List<::std::optional<Tensor>>": "Sequence[Tensor | None]",
    "IntArrayRef": "Sequence[_int]",
    "SymIntArrayRef": "Sequence[_int]",
    "ArrayRef<double>": "Sequence[_float]",
    "ScalarList": "Sequence[_Number]",
    "ScalarType": "_dtype",
    "Layout": "_layout",
    "MemoryFormat": "_memory_format",
    "Device": "_DeviceLike",
    "Generator": "_Generator",
    "Storage": "_Storage",
    "std::string": "_str",
    "std::string_view": "_str",
    "c10::string_view": "_str",
}
_NAMES = {
    "bool": "_bool",
    "builtins": "builtins",
    "complex": "_complex",
    "float": "_float",
    "int": "_int",
    "str": "_str",
    "Device": "_device",
    "DType": "_dtype",
    "Size": "_Size",
    **{
        name: name
        for name in (
            *("Any", "Callable", "Iterator", "Sequence", "Tensor"),
            *("dict", "list", "np", "object", "tuple"),
        )
    },
}


class Unknown(Exception):
    """An annotation names what a stub cannot."""


class Stub:
    """One ``.pyi`` file in the making.

    Attributes:
        module: dotted name of the module it describes.
        is_package: whether that is the ``__init__`` of a package.
        imports: lines that import what the others name.
        lines: the others.
    """

    def __init__(self, module: str, is_package: bool):
        self.module = module
        self.is_package = is_package
        self.imports: set[str] = set()
        self.lines: list[str] = []

    def relative(self, target: str) -> str:
        """Return a module of jtorch as this one imports it, such as ``._core.size``."""
        depth = self.module.count(".") + self.is_package
        return "." * depth + target.removeprefix("jtorch").removeprefix(".")

    def text(self) -> str:
        """Return the whole file."""
        head = HEADER
        for alias, module, name in CLASSES:
            head += f"from {self.relative('jtorch.' + module)} import {name} as {alias}\n"
        self.imports.discard("")
        body = "".join(f"{line}\n" for line in self.lines)
        if "return_types." in body:
            self.imports.add(f"from {self.relative('jtorch')} import return_types as return_types")
        imports = "".join(f"{line}\n" for line in sorted(self.imports))
        return f"{head}{imports}{ALIASES}\n{body}"

    def define(
        self, name: str, variants: Iterable[tuple[str, list[str], str]], indent: int
    ) -> None:
        """Add a function.

        Args:
            name: its name.
            variants: for each overload what follows it as a comment, its parameters and its result.
            indent: blanks before each line.
        """
        found = list(dict.fromkeys((mark, tuple(p), result) for mark, p, result in variants))
        for mark, parameters, result in found:
            if len(found) > 1:
                self.lines.append(" " * indent + "@overload")
            self.lines.extend(wrap(name, parameters, result, indent, mark))


def wrap(
    name: str, parameters: Iterable[str], result: str, indent: int, mark: str
) -> Iterator[str]:
    """Yield the lines of a function's stub, broken where they are too long."""
    blanks = " " * indent
    inside = ", ".join(parameters)
    line = f"{blanks}def {name}({inside}) -> {result}: ...{mark}"
    if len(line) <= WIDTH:
        yield line
        return
    yield f"{blanks}def {name}("
    if indent + 4 + len(inside) <= WIDTH:
        yield f"{blanks}    {inside}"
    else:
        yield from (f"{blanks}    {parameter}," for parameter in parameters)
    yield f"{blanks}) -> {result}: ...{mark}"


# Functions that derive from a schema


def schema_of(function: Any) -> Schema | None:
    """Return the schema that a public function was given, if any."""
    signature = getattr(function, "__signature__", None)
    return signature.schema if isinstance(signature, CallSignature) else None


def parameter_type(parameter: Parameter) -> str:
    """Return the type of a parameter of a schema."""
    kind = parameter.kind
    if kind == "Tensor":
        text = (
            "Tensor | _Number" if parameter.numbers_as_tensors and parameter.name != "out" else kind
        )
    elif kind in INT_LISTS and parameter.size:
        text = "_int | Sequence[_int]"
    else:
        text = _KINDS.get(kind, "Any")
    return f"{text} | None" if parameter.allow_none and text != "Any" else text


def spelled(parameter: Parameter) -> str:
    """Return a parameter as a function's head has it."""
    name = parameter.name + "_" if keyword.iskeyword(parameter.name) else parameter.name
    text = f"{name}: {parameter_type(parameter)}"
    if parameter.required:
        return text
    default = parameter.default
    constant = isinstance(default, str) and "_str" not in text  # such as contiguous_format
    return f"{text} = {'...' if constant else default_text(default)}"


def default_text(value: Any) -> str:
    """Return a default as a stub shows it."""
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, (int, str)) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value).replace("'", '"')
    return "..."


def derived_variants(
    name: str, schema: Schema, method: bool
) -> Iterator[tuple[str, list[str], str]]:
    """Yield the overloads of a function or method that has a schema."""
    for signature in overloads_of(schema, method):
        result = result_type(name, signature)
        first = ["self"] if method else []
        if signature.takes_varargs:
            size, *rest = signature.parameters
            yield "", [*first, f"*{size.name}: _int", *map(spelled, rest)], result
        parameters = list(first)
        starred = False
        for parameter in signature.parameters:
            if parameter.keyword_only and not starred:
                parameters.append("*")
                starred = True
            parameters.append(spelled(parameter))
        yield "", parameters, result


def result_type(name: str, signature: Signature | None) -> str:
    """Return the type of what an operator's function returns."""
    if name in RETURN_TYPES:
        names = {parameter.name for parameter in signature.parameters} if signature else ()
        if name not in known.ONLY_ALONG_A_DIMENSION or "dim" in names:
            return f"return_types.{name}"
    if name == "where" and signature is not None and len(signature.parameters) == 1:
        return known.MANY  # as nonzero(as_tuple=True)
    return known.RETURNS.get(name, "Tensor")


# Functions written in Python


class _Renamer(ast.NodeTransformer):
    def __init__(self, stub: Stub, namespace: dict[str, Any]):
        self.stub = stub
        self.namespace = namespace

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(_NAMES.get(node.id) or self._imported(node.id))

    def _imported(self, name: str) -> str:
        value = self.namespace.get(name)
        for module, owner in sorted(sys.modules.items()):
            if module.startswith("jtorch.") and vars(owner).get(name) is value is not None:
                source = getattr(owner, "__file__", None)
                if source and re.search(rf"^class {name}\b", Path(source).read_text(), re.M):
                    relative = self.stub.relative(module)
                    self.stub.imports.add(f"from {relative} import {name} as _{name}")
                    return f"_{name}"
        raise Unknown(name)


def annotation(stub: Stub, given: Any, namespace: dict[str, Any]) -> str | None:
    """Return an annotation in the stub's words, ``None`` where it says nothing."""
    if given is inspect.Parameter.empty:
        return None
    text = given if isinstance(given, str) else getattr(given, "__name__", "Any")
    if text in ("Any", "tuple", "tuple | Any"):
        return None
    if text in ("Callable", "dict", "list"):
        return {"Callable": "Callable[..., Any]", "dict": "dict[Any, Any]", "list": "list[Any]"}[
            text
        ]
    try:
        tree = _Renamer(stub, namespace).visit(ast.parse(text, mode="eval"))
    except Unknown:
        return "Any"
    return ast.unparse(tree)


def python_variant(
    stub: Stub, name: str, function: Callable, makes_tensor: bool
) -> tuple[str, list[str], str]:
    """Return the parameters and the result of a function that is written in Python."""
    namespace = getattr(inspect.unwrap(function), "__globals__", {})
    signature = inspect.signature(function)
    parameters: list[str] = []
    starred = False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            starred = True
        elif parameter.kind is parameter.KEYWORD_ONLY and not starred:
            parameters.append("*")
            starred = True
        parameters.append(python_parameter(stub, parameter, namespace))
    result = annotation(stub, signature.return_annotation, namespace)
    if name in known.RETURNS and result in (None, "Any"):
        result = known.RETURNS[name]
    if result is None:
        result = "Tensor" if makes_tensor or name in known.MAKERS else "Any"
    return "", parameters, result


def python_parameter(stub: Stub, parameter: inspect.Parameter, namespace: dict[str, Any]) -> str:
    """Return a parameter of a Python function as the stub has it."""
    prefix = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    if parameter.name == "self":
        return "self"
    text = annotation(stub, parameter.annotation, namespace)
    if text is None:
        text = known.PARAMETERS.get(parameter.name, "Any") if prefix != "**" else "Any"
        if parameter.default is None and text != "Any" and "None" not in text:
            text += " | None"
    if parameter.default is inspect.Parameter.empty:
        return f"{prefix}{parameter.name}: {text}"
    return f"{parameter.name}: {text} = {default_text(parameter.default)}"


# Modules


def imported_names(source: str, module: str, is_package: bool) -> dict[str, tuple[str, str]]:
    """Return where a module's top level imports its names from: absolute module, name there."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                parts = parts[: len(parts) - node.level + is_package]
                base = ".".join([*parts, base] if base else parts)
            for alias in node.names:
                found[alias.asname or alias.name] = (base, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.partition(".")[0]] = ("", alias.name)
    return found


def public_names(module: types.ModuleType) -> list[str]:
    """Return the names that a stub of the module has to have."""
    source = Path(module.__file__ or "").read_text()
    imported = imported_names(source, module.__name__, hasattr(module, "__path__"))
    names = []
    for name, value in vars(module).items():
        operator = any(value is table.get(name) for table in (FUNCTIONS, NN_FUNCTIONS))
        if name.startswith("_") and not operator and name not in ("__version__",):
            continue
        origin = imported.get(name, ("jtorch", ""))[0]
        if origin.partition(".")[0] != "jtorch":
            continue  # a tool of the module's own, such as Any
        if isinstance(value, types.ModuleType) and not value.__name__.startswith("jtorch."):
            continue
        if isinstance(value, types.ModuleType) and isinstance(value.__loader__, absent.Finder):
            continue  # made when somebody asked for it
        names.append(name)
    for path in Path(module.__file__ or "").parent.glob("*") if hasattr(module, "__path__") else ():
        part_of_package = path.suffix == ".py" or (path / "__init__.py").exists()
        if part_of_package and not path.stem.startswith("_") and path.stem not in names:
            names.append(path.stem)
    return sorted(names)


def module_stub(module: types.ModuleType) -> Stub:
    """Return the stub of a module that is filled at run time."""
    is_package = hasattr(module, "__path__")
    stub = Stub(module.__name__, is_package)
    source = Path(module.__file__ or "").read_text()
    imported = imported_names(source, module.__name__, is_package)
    stub.imports.add(f"from {stub.relative('jtorch._tensor.tensor')} import Tensor as Tensor")
    constants: list[str] = []
    for name in public_names(module):
        value = vars(module).get(name)
        derived = any(
            table.get(name) is value is not None for table in (FUNCTIONS, NN_FUNCTIONS, METHODS)
        )
        schema = schema_of(value)
        if name.startswith("_") and derived:
            constants.append(f"{name}: Any")  # PyTorch's own, not for users
        elif name not in vars(module) or isinstance(value, types.ModuleType):
            owner = value.__name__.rpartition(".")[0] if value else module.__name__
            stub.imports.add(f"from {stub.relative(owner)} import {name} as {name}")
        elif name in known.FUNCTION_OVERLOADS and derived:
            for text in known.FUNCTION_OVERLOADS[name]:
                inside, _, result = text[1:].partition(") -> ")
                stub.lines.append("@overload")
                stub.lines.extend(wrap(name, inside.split(", "), result, 0, ""))
        elif schema is not None:
            stub.define(name, derived_variants(name, schema, False), 0)
        elif inspect.isfunction(value) and (derived or leaves_open(value) or name not in imported):
            stub.define(name, [python_variant(stub, name, value, derived)], 0)
        elif name in imported:
            origin, original = imported[name]
            alias = name if name == original else f"_{original.strip('_')}"
            stub.imports.add(f"from {stub.relative(origin)} import {original} as {alias}")
            if alias != name:  # only an import under its own name is exported
                constants.append(f"{name} = {alias}")
        else:
            constants.append(f"{name}: {constant_type(value)}")
    stub.lines[:0] = [*constants, ""] if constants else []
    return stub


def leaves_open(function: Callable) -> bool:
    """Tell whether a Python function does not say what it returns."""
    found = inspect.signature(function).return_annotation
    return found in (inspect.Signature.empty, "Any", "tuple", Any)


def constant_type(value: Any) -> str:
    """Return the type of a module's constant."""
    if value is None:
        return "None"
    by_class = {"float": "_float", "int": "_int", "str": "_str", "bool": "_bool", "dtype": "_dtype"}
    return by_class.get(type(value).__name__, "Any")


# The class Tensor


def tensor_stub() -> Stub:
    """Return the stub of ``jtorch/_tensor/tensor.py``."""
    stub = Stub("jtorch._tensor.tensor", False)
    source = (PACKAGE / "_tensor" / "tensor.py").read_text()
    lines = [
        "class Tensor:",
        "    _value: Any",
        "    _alias: Any",
        "    _writes: Any",
        "    _extra: Any",
    ]
    stub.lines = lines
    members = {
        name: value
        for cls in reversed(jtorch.Tensor.__mro__[:-1])
        for name, value in vars(cls).items()
    }
    left_out = {"__slots__", "__dict__", "__weakref__", "__module__", "__doc__", "__annotations__"}
    left_out |= {"__firstlineno__", "__static_attributes__"}  # of every class since Python 3.13
    for name, value in sorted(members.items()):
        if name in left_out or isinstance(value, types.MemberDescriptorType):
            continue
        if isinstance(value, property):
            add_property(stub, name, value)
        elif name in known.SPECIAL:
            mark = "  # type: ignore[override]" if name in known.AGAINST_OBJECT else ""
            stub.lines.append(f"    def {name}{known.SPECIAL[name]}: ...{mark}")
        elif isinstance(value, (classmethod, staticmethod)):
            stub.lines.append(f"    @{type(value).__name__}")
            variant = python_variant(stub, name, value.__func__, False)
            stub.define(name, [variant], 4)
        elif callable(value) and not isinstance(value, type):
            schema = schema_of(value)
            if name in known.OVERLOADS:
                for text in known.OVERLOADS[name]:
                    stub.lines += ["    @overload", f"    def {name}{text}: ..."]
            elif schema is not None:
                stub.define(name, derived_variants(name, schema, True), 4)
            else:
                derived = METHODS.get(name) is value
                mark, parameters, result = python_variant(stub, name, value, derived)
                stub.define(name, [(mark, ["self", *parameters[1:]], result)], 4)
        else:
            stub.lines.append(f"    {name}: {constant_type(value)}")
    stub.lines.append("")
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            function = getattr(sys.modules["jtorch._tensor.tensor"], node.name)
            stub.define(node.name, [python_variant(stub, node.name, function, False)], 0)
    return stub


def add_property(stub: Stub, name: str, value: property) -> None:
    """Add a property of ``Tensor``."""
    getter: Any = value.fget
    result = None
    if inspect.isfunction(getter):
        result = annotation(stub, inspect.signature(getter).return_annotation, getter.__globals__)
    if result in (None, "Any"):
        result = known.PROPERTIES.get(name, "Any")
    stub.lines += ["    @property", f"    def {name}(self) -> {result}: ..."]
    if value.fset is not None:
        stub.lines += [f"    @{name}.setter", f"    def {name}(self, value: {result}) -> None: ..."]
    if value.fdel is not None:
        stub.lines += [f"    @{name}.deleter", f"    def {name}(self) -> None: ..."]


def return_types_text() -> str:
    """Return the stub of ``jtorch/return_types.py``."""
    lines = []
    for name, cls in sorted(RETURN_TYPES.items()):
        fields: tuple[str, ...] = cls.__match_args__  # type: ignore[attr-defined]
        each = ", ".join(["Tensor"] * len(fields))
        lines.append(f"class {name}(tuple[{each}]):")
        for field in fields:
            lines += ["    @property", f"    def {field}(self) -> Tensor: ..."]
        lines.append("    n_fields: int\n    n_sequence_fields: int\n    n_unnamed_fields: int\n")
    head = HEADER.partition("from builtins")[0]
    return f"{head}from ._tensor.tensor import Tensor\n\n" + "\n".join(lines)


def stubs() -> dict[Path, str]:
    """Return the text of each stub by its file."""
    found = {
        PACKAGE / "_tensor" / "tensor.pyi": tensor_stub().text(),
        PACKAGE / "return_types.pyi": return_types_text(),
    }
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        found[Path(module.__file__ or "").with_suffix(".pyi")] = module_stub(module).text()
    return found


def main() -> int:
    """Write the stubs, or tell which ones are behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one is behind")
    options = parser.parse_args()
    behind = [
        path for path, text in stubs().items() if not path.exists() or path.read_text() != text
    ]
    for path in behind:
        print(("behind: " if options.check else "wrote ") + str(path.relative_to(ROOT)))
        if not options.check:
            path.write_text(stubs()[path])
    return 1 if behind and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
