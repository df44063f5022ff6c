"""From a graph to Python code."""

from __future__ import annotations

import dataclasses
import enum
import keyword
import typing
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jtorch as torch

from ..utils import _pytree as pytree
from . import _names
from .node import Node, map_arg

#: How calls of ``operator``'s functions are written.
magic_methods = {
    **{
        name: f"{{}} {sign} {{}}"
        for name, sign in (
            *(("add", "+"), ("and_", "&"), ("eq", "=="), ("floordiv", "//"), ("ge", ">=")),
            *(("gt", ">"), ("le", "<="), ("lshift", "<<"), ("lt", "<"), ("matmul", "@")),
            *(("mod", "%"), ("mul", "*"), ("ne", "!="), ("or_", "|"), ("pow", "**")),
            *(("rshift", ">>"), ("sub", "-"), ("truediv", "/"), ("xor", "^")),
        )
    },
    "getitem": "{}[{}]",
    "invert": "~{}",
    "neg": "-{}",
    "pos": "+{}",
}
inplace_methods = {
    name: f"{{}} {sign} {{}}"
    for name, sign in (
        *(("iadd", "+="), ("iand", "&="), ("ifloordiv", "//="), ("ilshift", "<<=")),
        *(("imod", "%="), ("imul", "*="), ("imatmul", "@="), ("ior", "|="), ("ipow", "**=")),
        *(("irshift", ">>="), ("isub", "-="), ("itruediv", "/="), ("ixor", "^=")),
    )
}
#: Those whose operands change places: ``number <operator> proxy``.
reflectable_magic_methods = (
    *("add", "sub", "mul", "floordiv", "truediv", "mod", "pow", "lshift", "rshift", "and_"),
    *("or_", "xor", "matmul"),
)
_TYPING = {
    list: typing.List,  # noqa: UP006  (how PyTorch writes it)
    dict: typing.Dict,  # noqa: UP006
    set: typing.Set,  # noqa: UP006
    frozenset: typing.FrozenSet,  # noqa: UP006
    tuple: typing.Tuple,  # noqa: UP006
}


@dataclasses.dataclass
class PythonCode:
    """Code of a graph.

    Attributes:
        src: the text.
        globals: what it needs, by name.
        _lineno_map, _prologue_start: where the nodes are in it, where that is known.
    """

    src: str
    globals: dict[str, Any]
    _lineno_map: dict[int, int | None] | None = None
    _prologue_start: int = -1


def format_target(base: str, target: str) -> str:
    """Return the expression that reads a dotted name below another expression."""
    expression = base
    for part in target.split("."):
        if part.isidentifier():
            expression = f"{expression}.{part}"
        else:
            expression = f'getattr({expression}, "{part}")'
    return expression


class PyTreeInfo(NamedTuple):
    """How the arguments of a flattened function were nested."""

    orig_args: list[str]
    in_spec: Any
    out_spec: Any


class CodeGen:
    """Writes the head, the body and the return of a function; subclasses change parts of it."""

    def __init__(self) -> None:
        self._body_transformer: Callable[[list[str]], list[str]] | None = None
        self._func_name = "forward"

    def gen_fn_def(
        self, free_vars: list[str], maybe_return_annotation: str, *, expanded_def: bool = False
    ) -> str:
        """Return the head of the function.

        Args:
            free_vars: the parameters, as they are written.
            maybe_return_annotation: ``" -> type"`` or nothing.
            expanded_def: whether each parameter stands on a line of its own.
        """
        if not free_vars or free_vars[0] != "self":
            free_vars.insert(0, "self")
        if expanded_def:
            listed = "".join(f"    {each},\n" for each in free_vars)
            return f"def {self._func_name}(\n{listed}){maybe_return_annotation}:"
        return f"def {self._func_name}({', '.join(free_vars)}){maybe_return_annotation}:"

    def generate_output(
        self,
        output_args: Any,
        *,
        descs: Any = None,
        repr_fn: Callable[[Any], str] | None = None,
    ) -> str:
        """Return the statement that returns the result."""
        return f"return {(repr_fn or repr)(output_args)}"

    def process_inputs(self, *args: Any) -> Any:
        """Return the arguments of the graph's placeholders, of those of the function."""
        return args

    def process_outputs(self, outputs: Any) -> Any:
        """Return the function's result, of the graph's."""
        return outputs

    def additional_globals(self) -> list[tuple[str, Any]]:
        """Return further globals that the head and the return need."""
        return []

    def _gen_python_code(
        self,
        nodes: Any,
        root_module: str,
        namespace: _names.Namespace,
        *,
        verbose: bool = False,
        expanded_def: bool = False,
        **options: Any,
    ) -> PythonCode:
        return _Writer(self, nodes, root_module, namespace, expanded_def, verbose).write()


class PyTreeCodeGen(CodeGen):
    """Writes functions that take and return nested structures."""

    def __init__(self, pytree_info: PyTreeInfo):
        super().__init__()
        self.pytree_info = pytree_info

    def process_inputs(self, *args: Any) -> Any:
        """Return the leaves of the arguments."""
        return pytree.tree_leaves(args)

    def process_outputs(self, outputs: Any) -> Any:
        """Return the results as they were nested."""
        if self.pytree_info.out_spec is None:
            return outputs
        if not isinstance(outputs, (list, tuple)):
            outputs = [outputs]
        return pytree.tree_unflatten(list(outputs), self.pytree_info.out_spec)

    def gen_fn_def(
        self, free_vars: list[str], maybe_return_annotation: str, *, expanded_def: bool = False
    ) -> str:
        """Return the head of the function, which takes the structures apart."""
        if self.pytree_info is None:
            return super().gen_fn_def(free_vars, maybe_return_annotation, expanded_def=expanded_def)
        names = list(self.pytree_info.orig_args)
        has_self = bool(names) and names[0] == "self"
        own = names if has_self else ["self", *names]
        head = super().gen_fn_def(list(own), maybe_return_annotation)
        if not free_vars:
            return head
        bare = [each.partition(":")[0].partition("=")[0].strip() for each in free_vars]
        taken = [each for each in names if each != "self"]
        return (
            f"{head}\n    {', '.join(bare)}, = "
            f"fx_pytree.tree_flatten_spec([{', '.join(taken)}], self._in_spec)"
        )

    def generate_output(
        self,
        output_args: Any,
        *,
        descs: Any = None,
        repr_fn: Callable[[Any], str] | None = None,
    ) -> str:
        """Return the statement that returns the results as they were nested."""
        text = (repr_fn or repr)(output_args)
        if self.pytree_info and self.pytree_info.out_spec:
            if not isinstance(output_args, (list, tuple)):
                text = f"[{text}]"
            return f"return pytree.tree_unflatten({text}, self._out_spec)"
        return f"return {text}"


class _Writer:
    """Writes the code of one graph."""

    def __init__(
        self,
        codegen: CodeGen,
        nodes: Any,
        root_module: str,
        namespace: _names.Namespace,
        expanded_def: bool,
        verbose: bool,
    ):
        self.codegen = codegen
        self.nodes = nodes
        self.root_module = root_module
        self.namespace = namespace
        self.expanded_def = expanded_def
        self.verbose = verbose
        self.globals: dict[str, Any] = {}
        for name, (_, make) in _names.CUSTOM_BUILTINS.items():
            self.globals[self.namespace.create_name(name, make())] = make()
        self.free_vars: list[str] = []
        self.body: list[str] = []
        self.wrapped: list[str] = []
        self.annotation = ""

    def write(self) -> PythonCode:
        """Return the code."""
        last_uses = self._last_uses()
        for node in self.nodes:
            self._write_node(node)
            self._forget(node, last_uses.get(node, []))
        if not self.body:
            self.body.append("pass\n")
        wraps = ""
        if self.wrapped:
            wrap = self.name_of_global("wrap", torch.fx.wrap)
            wraps = "\n".join(f'{wrap}("{name}")' for name in self.wrapped)
        if self.codegen._body_transformer:
            self.body = self.codegen._body_transformer(self.body)
        for name, value in self.codegen.additional_globals():
            self.name_of_global(name, value)
        head = self.codegen.gen_fn_def(
            self.free_vars, self.annotation, expanded_def=self.expanded_def
        )
        lines = "".join(self.body).split("\n")
        code = "\n".join("    " + line for line in lines)
        return PythonCode(f"\n{wraps}\n\n{head}\n{code}", self.globals)

    def _last_uses(self) -> dict[Node, list[Node]]:
        """Return which nodes are used for the last time by each node."""
        seen: set[Node] = set()
        found: dict[Node, list[Node]] = {}
        for node in reversed(self.nodes):

            def note(used: Node, user: Node = node) -> None:
                if used not in seen:
                    seen.add(used)
                    found.setdefault(user, []).append(used)

            map_arg(node.args, note)
            map_arg(node.kwargs, note)
        return found

    def _forget(self, node: Node, last: list[Node]) -> None:
        if node.op == "placeholder":
            return
        if node.op == "output":
            self.body.append("\n")
            return
        gone = [*last, node] if not node.users else last
        if gone:
            names = " = ".join([repr(each) for each in gone] + ["None"])
            self.body.append(f";  {names}\n")
        else:
            self.body.append("\n")

    def name_of_global(self, hint: str, obj: Any) -> str:
        """Return what the code calls an object that lies outside."""
        if _names.is_from_torch(obj) and obj is not torch.device:
            return _names.qualified_name(obj)
        name = self.namespace.create_name(hint.replace(".", "_"), obj)
        if name not in self.globals or self.globals[name] is not obj:
            self.globals[name] = obj
        return name

    def _type(self, annotation: Any) -> str:
        if annotation == ():
            return "()"
        origin = getattr(annotation, "__origin__", None)
        if origin is not None:
            origin = _TYPING.get(origin, origin)
            name = self.name_of_global(_names.type_repr(origin), origin)
            if getattr(annotation, "__args__", None):
                inner = ",".join(self._type(each) for each in annotation.__args__)
                return f"{name}[{inner}]"
            return name
        text = _names.type_repr(annotation)
        if annotation is type(None):
            return self.name_of_global("NoneType", annotation)
        return self.name_of_global(text, annotation)

    def _value(self, value: Any) -> str:
        """Return how an argument is written."""
        if isinstance(value, Node):
            return repr(value)
        if isinstance(value, tuple):
            if hasattr(value, "_fields"):
                cls = self.name_of_global(_names.qualified_name(type(value)), type(value))
                return f"{cls}{tuple(value)!r}" if not value else self._named(cls, value)
            inner = ", ".join(self._value(each) for each in value)
            return f"({inner}{',' if len(value) == 1 else ''})"
        if isinstance(value, list):
            return f"[{', '.join(self._value(each) for each in value)}]"
        if isinstance(value, dict):
            inner = ", ".join(f"{key!r}: {self._value(each)}" for key, each in value.items())
            return f"{{{inner}}}"
        if isinstance(value, slice):
            parts = ", ".join(self._value(each) for each in (value.start, value.stop, value.step))
            return f"slice({parts})"
        if isinstance(value, enum.Enum):
            cls = self.name_of_global(_names.qualified_name(type(value)), type(value))
            return f"{cls}.{value.name}"
        if isinstance(value, torch.device):
            return f"device({_device_text(value)})"
        if isinstance(value, type):
            return self._type(value)
        return repr(value)

    def _named(self, cls: str, value: Any) -> str:
        inner = ", ".join(f"{k}={self._value(v)}" for k, v in value._asdict().items())
        return f"{cls}({inner})"

    def _arguments(self, args: Sequence[Any], kwargs: dict[str, Any]) -> str:
        given = [self._value(each) for each in args]
        given += [f"{name} = {self._value(each)}" for name, each in kwargs.items()]
        return ", ".join(given)

    def _write_node(self, node: Node) -> None:
        typed = "" if node.type is None else f" : {self._type(node.type)}"
        if self.verbose and hasattr(node.meta.get("tensor_meta"), "shape"):
            meta: Any = node.meta["tensor_meta"]
            dtype = str(meta.dtype).removeprefix("torch.")
            typed = f': "{_DTYPES.get(dtype, dtype)}{list(meta.shape)}"'
        name = repr(node)
        getattr(self, f"_write_{node.op}")(node, name, typed)

    def _write_placeholder(self, node: Node, name: str, typed: str) -> None:
        default = f" = {self._value(node.args[0])}" if node.args else ""
        self.free_vars.append(f"{node.target}{typed}{default}")
        raw = node.target.replace("*", "")
        if raw != name:
            self.body.append(f"{name} = {raw}\n")

    def _write_call_method(self, node: Node, name: str, typed: str) -> None:
        called = format_target(self._value(node.args[0]), node.target)
        arguments = self._arguments(node.args[1:], node.kwargs)
        self.body.append(f"{name}{typed} = {called}({arguments})")

    def _write_call_function(self, node: Node, name: str, typed: str) -> None:
        target, args = node.target, node.args
        if getattr(target, "__module__", "") == "_operator":
            values = [self._value(each) for each in args]
            if target.__name__ in magic_methods and not node.kwargs:
                text = magic_methods[target.__name__].format(*values)
                self.body.append(f"{name}{typed} = {text}")
                return
            if target.__name__ in inplace_methods:
                text = inplace_methods[target.__name__].format(*values)
                self.body.append(f"{text};  {name}{typed} = {values[0]}")
                return
        called = _names.qualified_name(target)
        written = self.name_of_global(called, target)
        if (
            written == "getattr"
            and len(args) == 2
            and isinstance(args[1], str)
            and args[1].isidentifier()
            and not keyword.iskeyword(args[1])
        ):
            self.body.append(f"{name}{typed} = {format_target(self._value(args[0]), args[1])}")
            return
        self.body.append(f"{name}{typed} = {written}({self._arguments(args, node.kwargs)})")
        if node.meta.get("is_wrapped", False) and written not in self.wrapped:
            self.wrapped.append(written)

    def _write_call_module(self, node: Node, name: str, typed: str) -> None:
        called = format_target(self.root_module, node.target)
        self.body.append(f"{name}{typed} = {called}({self._arguments(node.args, node.kwargs)})")

    def _write_get_attr(self, node: Node, name: str, typed: str) -> None:
        self.body.append(f"{name}{typed} = {format_target(self.root_module, node.target)}")

    def _write_output(self, node: Node, name: str, typed: str) -> None:
        if node.type is not None:
            self.annotation = f" -> {self._type(node.type)}"
        self.body.append(self.codegen.generate_output(node.args[0], repr_fn=self._value))


#: How dtypes are written beside shapes.
_DTYPES = {
    **{f"float{n}": f"f{n}" for n in (16, 32, 64)},
    **{f"int{n}": f"i{n}" for n in (8, 16, 32, 64)},
    **{f"uint{n}": f"u{n}" for n in (8, 16, 32, 64)},
    **{"bfloat16": "bf16", "bool": "b8", "complex64": "c64", "complex128": "c128"},
}


def _device_text(device: Any) -> str:
    if device.index is None:
        return f"type={device.type!r}"
    return f"type={device.type!r}, index={device.index}"
