"""A module whose ``forward`` is generated from a graph: ``torch.fx.GraphModule``."""

from __future__ import annotations

import copy
import itertools
import linecache
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import jtorch as torch

from .._runtime import absent as _absent
from ..nn.modules.module import Module
from . import _names
from ._codegen import PythonCode, PyTreeCodeGen
from .graph import Graph

__all__ = ["GraphModule", "reduce_graph_module", "reduce_package_graph_module"]

_keys = itertools.count()


def _exec_with_source(src: str, globals: dict[str, Any]) -> None:
    """Run code so that tracebacks show its lines."""
    key = f"<eval_with_key>.{next(_keys)}"
    linecache.cache[key] = (len(src), None, src.splitlines(keepends=True), key)
    exec(compile(src, key, "exec"), globals)


def _forward_from_src(src: str, globals: dict[str, Any]) -> Any:
    """Return the function ``forward`` that code defines."""
    space = dict(globals)
    _exec_with_source(src, space)
    return space["forward"]


def _with_custom_builtins(globals: dict[str, Any]) -> dict[str, Any]:
    return {name: make() for name, (_, make) in _names.CUSTOM_BUILTINS.items()} | globals


def _import_block(globals: dict[str, Any]) -> str:
    """Return statements that import what code needs."""
    lines = {_import_statement(name, value) for name, value in globals.items()}
    return "\n".join(sorted(lines))


def _import_statement(name: str, value: Any) -> str:
    if name in _names.CUSTOM_BUILTINS:
        return _names.CUSTOM_BUILTINS[name][0]
    qualified = _names.qualified_name(value)
    module, _, attribute = qualified.rpartition(".")
    if not module:
        return f"from builtins import {attribute} as {name}"
    return f"from {module} import {attribute} as {name}"


def _copy_attr(source: Any, destination: Any, target: str) -> None:
    """Copy what a dotted name names from one module into another, with modules on the way."""
    *prefix, last = target.split(".")
    for part in prefix:
        inner = getattr(source, part)
        there = getattr(destination, part, None)
        if inner is there:
            return
        if there is None:
            there = Module()
            setattr(destination, part, there)
        source, destination = inner, there
    original = getattr(source, last)
    if isinstance(original, torch.Tensor) and not isinstance(original, torch.nn.Parameter):
        destination.register_buffer(last, original)
    else:
        setattr(destination, last, original)


def _assign_attr(value: Any, destination: Any, target: str) -> None:
    """Set what a dotted name names, with modules on the way."""
    *prefix, last = target.split(".")
    for part in prefix:
        inner = getattr(destination, part, None)
        if inner is None:
            inner = Module()
            setattr(destination, part, inner)
        destination = inner
    if isinstance(value, torch.Tensor) and not isinstance(value, torch.nn.Parameter):
        destination.register_buffer(last, value)
    else:
        setattr(destination, last, value)


def _get_attr(model: Any, attr_name: str) -> Any:
    for part in attr_name.split("."):
        model = getattr(model, part)
    return model


def _has_attr(model: Any, attr_name: str) -> bool:
    try:
        _get_attr(model, attr_name)
    except AttributeError:
        return False
    return True


class _CodeOnlyModule(Module):
    """A module of what another one holds, to trace its code again."""

    def __init__(self, body: dict[str, Any]):
        super().__init__()
        self.__dict__ = body


def reduce_graph_module(body: dict[Any, Any], import_block: str) -> Any:
    """Make a module again of what ``pickle`` wrote."""
    code = body.get("_code") or body["code"]
    space = _with_custom_builtins({})
    exec(import_block.replace("import torch.", "import jtorch."), _importing(space))
    return _deserialize(_forward_from_src(code, space), body)


reduce_package_graph_module = reduce_graph_module


def _importing(space: dict[str, Any]) -> dict[str, Any]:
    """Let ``import torch`` in a pickled block mean this package."""
    if "torch" not in sys.modules:
        import builtins

        plain = builtins.__import__

        def importing(name: str, *args: Any, **kwargs: Any) -> Any:
            base, dot, rest = name.partition(".")
            return plain(f"jtorch{dot}{rest}" if base == "torch" else name, *args, **kwargs)

        space["__builtins__"] = {**vars(builtins), "__import__": importing}
    return space


def _deserialize(forward: Any, body: dict[Any, Any], graph: Graph | None = None) -> Any:
    """Make a module of its code and what it holds."""
    from ._symbolic_trace import Tracer

    tracer_cls = body.get("_tracer_cls") or Tracer
    holder = _CodeOnlyModule(dict(body))
    holder.__class__ = type("_CodeOnlyModule", (_CodeOnlyModule,), {"forward": forward})

    class KeepModules(tracer_cls):  # type: ignore[valid-type,misc]
        """A tracer to whom every module is one node."""

        def is_leaf_module(self, m: Any, module_qualified_name: str) -> bool:
            """Return ``True``."""
            return True

    if graph is None:
        graph = KeepModules().trace(holder)
        graph._tracer_cls = tracer_cls
    made = GraphModule(holder, graph)
    for key, value in body.items():
        if not hasattr(made, key):
            setattr(made, key, value)
    return made


class _WrappedCall:
    """Calls a generated module, and says which line of the generated code failed."""

    def __init__(self, cls: type, call: Any):
        self.cls = cls
        self.call = call

    def __call__(self, module: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            if self.call is not None:
                return self.call(module, *args, **kwargs)
            return super(self.cls, module).__call__(*args, **kwargs)  # type: ignore
        except Exception as error:
            frame = _last_generated(error)
            if frame is None:
                raise
            print(_where(error, frame), file=sys.stderr)
            raise error.with_traceback(None) from None


def _last_generated(error: BaseException) -> Any:
    frames = traceback.extract_tb(error.__traceback__)
    return frames[-1] if frames and "eval_with_key" in frames[-1].filename else None


def _where(error: BaseException, frame: Any) -> str:
    lines = linecache.getlines(frame.filename)
    number = frame.lineno
    text = "".join(traceback.format_exception(error))
    before = "".join(lines[number - 2 : number]).rstrip("\n")
    after = "".join(lines[number : number + 2])
    head = (
        f"Call using an FX-traced Module, line {number} of the traced Module's generated forward "
        "function:"
    )
    marker = "~" * len(before) + "~~~ <--- HERE"
    return f"{text}\n{head}\n{before}\n\n{marker}\n{after}\n"


class GraphModule(Module):
    """A module whose ``forward`` is generated from a graph.

    Args:
        root: a module, or a dict of qualified names to modules and tensors, of which what the
            graph names is copied.
        graph: the graph.
        class_name: the name that the module shows.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        # Each has a class of its own, as each has a ``forward`` of its own.
        for base in cls.__mro__:
            if base.__qualname__.rpartition(".")[2] != "GraphModuleImpl":
                cls = base
                break

        class GraphModuleImpl(cls):  # type: ignore[valid-type,misc]
            """The class of one graph's module."""

        return super().__new__(GraphModuleImpl)

    def __init__(self, root: Any, graph: Graph, class_name: str = "GraphModule"):
        super().__init__()
        self.__class__.__name__ = class_name
        if isinstance(root, torch.nn.Module):
            if hasattr(root, "training"):
                self.training = root.training
            for node in graph.nodes:
                if node.op in ("get_attr", "call_module"):
                    _copy_attr(root, self, node.target)
        elif isinstance(root, dict):
            targets = []
            for node in graph.nodes:
                if node.op in ("get_attr", "call_module"):
                    if node.target not in root:
                        raise RuntimeError(
                            f"Node {node!s} referenced target {node.target!s} but that target was "
                            "not provided in ``root``!"
                        )
                    targets.append(node.target)
            for target in sorted(targets, key=lambda each: each.count(".")):
                _assign_attr(root[target], self, target)
        else:
            raise RuntimeError("Unsupported type " + str(root) + " passed for root!")
        self.graph = graph
        self._tracer_cls = None
        if graph._tracer_cls and "<locals>" not in graph._tracer_cls.__qualname__:
            self._tracer_cls = graph._tracer_cls
        self._tracer_extras = graph._tracer_extras or {}
        self.meta: dict[str, Any] = {}
        self._replace_hooks: list[Any] = []
        self._create_node_hooks: list[Any] = []
        self._erase_node_hooks: list[Any] = []

    @property
    def graph(self) -> Graph:
        """The graph; after changes to it call ``recompile()``."""
        return self._graph

    @graph.setter
    def graph(self, g: Graph) -> None:
        if not isinstance(g, Graph):
            raise AssertionError(f"Expected a Graph instance, but got {type(g)}")
        self._graph = g
        g.owning_module = self
        self.recompile()

    @property
    def code(self) -> str:
        """The generated code."""
        if not hasattr(self, "_code"):
            raise RuntimeError("Code has not been generated! Please report a bug to PyTorch")
        return self._code

    def recompile(self) -> PythonCode:
        """Generate ``forward`` again, after changes to the graph."""
        codegen = self._graph._codegen
        if isinstance(codegen, PyTreeCodeGen):
            self._in_spec = codegen.pytree_info.in_spec
            self._out_spec = codegen.pytree_info.out_spec
        code = self._graph.python_code(root_module="self")
        self._code = code.src
        self._lineno_map = code._lineno_map
        cls: Any = type(self)
        cls.forward = _forward_from_src(self._code, _with_custom_builtins(code.globals))
        if "_wrapped_call" not in vars(cls):
            cls._wrapped_call = _WrappedCall(cls, vars(cls).get("__call__"))

            def call_wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
                return self._wrapped_call(self, *args, **kwargs)

            cls.__call__ = call_wrapped
        return code

    # Submodules

    def add_submodule(self, target: str, m: Any) -> bool:
        """Add a module under a dotted name, with modules on the way.

        Returns:
            Whether that could be done: ``False`` where something else is on the way.
        """
        *prefix, last = target.split(".")
        place: Any = self
        for part in prefix:
            inner = getattr(place, part, None)
            if inner is None:
                inner = Module()
                setattr(place, part, inner)
            if not isinstance(inner, torch.nn.Module):
                return False
            place = inner
        place.add_module(last, m)
        return True

    def delete_submodule(self, target: str) -> bool:
        """Remove the module under a dotted name.

        Returns:
            Whether there was one.
        """
        *prefix, last = target.split(".")
        place: Any = self
        for part in prefix:
            place = getattr(place, part, None)
            if not isinstance(place, torch.nn.Module):
                return False
        if not isinstance(getattr(place, last, None), torch.nn.Module):
            return False
        delattr(place, last)
        return True

    def delete_all_unused_submodules(self) -> None:
        """Remove the modules that the graph neither calls nor reads from."""
        used: set[str] = set()
        for node in self.graph.nodes:
            if node.op not in ("call_module", "get_attr"):
                continue
            parts = node.target.split(".")
            used.update(".".join(parts[:length]) for length in range(1, len(parts) + 1))
            if node.op == "call_module":
                try:
                    inner = self.get_submodule(node.target)
                except AttributeError:
                    continue
                used.update(f"{node.target}.{name}" for name, _ in inner.named_modules())
        for name in [name for name, _ in self.named_modules()]:
            if name not in used:
                self.delete_submodule(name)

    # Copies, files and text

    def __reduce__(self) -> Any:
        body = self.__dict__.copy()
        code = self._graph.python_code(root_module="self")
        del body["_graph"]
        body["_graphmodule_cls_name"] = type(self).__name__
        return reduce_graph_module, (body, _import_block(code.globals))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__reduce__()

    def __deepcopy__(self, memo: dict) -> Any:
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        holder = _CodeOnlyModule(
            {
                key: copy.deepcopy(value, memo)
                for key, value in self.__dict__.items()
                if key not in ("_graph", "_wrapped_call")
            }
        )
        GraphModule.__init__(made, holder, copy.deepcopy(self.graph), type(self).__name__)
        for key, value in holder.__dict__.items():
            if key not in made.__dict__ and not key.startswith("_"):
                made.__dict__[key] = value
        made.meta = dict(self.meta)
        return made

    def __copy__(self) -> Any:
        made = GraphModule(self, copy.copy(self.graph), type(self).__name__)
        made.meta = dict(self.meta)
        return made

    def __str__(self) -> str:
        hint = "# To see more debug info, please use `graph_module.print_readable()`"
        return "\n".join([super().__repr__(), self._code, hint])

    def print_readable(
        self,
        print_output: bool = True,
        include_stride: bool = False,
        include_device: bool = False,
        colored: bool = False,
        **options: Any,
    ) -> str:
        """Return the code as that of a class, and print it."""
        code = self._graph.python_code(root_module="self", verbose=True).src
        lines = code.strip("\n").split("\n")
        head = next(index for index, line in enumerate(lines) if line.startswith("def "))
        lines.insert(head + 1, "    # No stacktrace found for following nodes")
        body = "\n".join("    " + line if line.strip() else "" for line in lines)
        text = f"class {type(self).__name__}(torch.nn.Module):\n{body.rstrip()}\n"
        if print_output:
            print(text)
        return text

    def to_folder(self, folder: str | os.PathLike, module_name: str = "FxModule") -> None:
        """Write the module as Python code with its tensors into a folder.

        Args:
            folder: the folder, made where there is none.
            module_name: the name of the class.
        """
        place = Path(folder)
        place.mkdir(exist_ok=True)
        torch.save(self.state_dict(), place / "state_dict.pt")
        lines = [
            _import_block(self._graph.python_code(root_module="self").globals),
            "import torch",
            "from torch.nn import *",
            "",
            f"class {module_name}(torch.nn.Module):",
            "    def __init__(self):",
            "        super().__init__()",
        ]
        for name, module in self.named_children():
            file = place / f"{name}.pt"
            torch.save(module, file)
            shown = repr(module).replace("\n", " ")
            loaded = f"torch.load(r'{file}', weights_only=False)"
            lines.append(f"        self.{name} = {loaded} # {shown}")
        for name, buffer in self._buffers.items():
            if buffer is not None:
                lines.append(
                    f"        self.register_buffer('{name}', "
                    f"torch.empty({list(buffer.shape)}, dtype={buffer.dtype}))"
                )
        for name, parameter in self._parameters.items():
            if parameter is not None:
                lines.append(
                    f"        self.{name} = torch.nn.Parameter("
                    f"torch.empty({list(parameter.shape)}, dtype={parameter.dtype}))"
                )
        lines.append(f"        self.load_state_dict(torch.load(r'{place}/state_dict.pt'))")
        code = "\n".join("    " + line for line in self.code.split("\n"))
        (place / "module.py").write_text("\n".join(lines) + "\n" + code)
        (place / "__init__.py").write_text("from .module import *")

    def _replicate_for_data_parallel(self) -> Any:
        made = type(self).__new__(type(self))
        made.__dict__ = self.__dict__.copy()
        return made


def _make_graph_module(root: Any, graph: Graph, class_name: str = "GraphModule") -> GraphModule:
    return GraphModule(root, graph, class_name)


__getattr__ = _absent.attributes(__name__)
