"""A graph as text in the language of Graphviz."""

from __future__ import annotations

from typing import Any

from ..._runtime import absent as _absent
from .._names import qualified_name
from ..graph_module import GraphModule
from ..node import Node

__all__ = ["FxGraphDrawer"]

_COLORS = {
    "placeholder": "AliceBlue",
    "call_module": "LemonChiffon1",
    "get_param": "Yellow2",
    "get_attr": "LightGrey",
    "output": "PowderBlue",
}
_HASHED = (
    *("CadetBlue1", "Coral", "DarkOliveGreen1", "DarkSeaGreen1", "GhostWhite", "Khaki1"),
    *("LavenderBlush1", "LightSkyBlue", "MistyRose1", "MistyRose2", "PaleTurquoise2"),
    *("PeachPuff1", "Salmon", "Thistle1", "Thistle3", "Wheat1"),
)


class DotGraph:
    """A graph in Graphviz's language.

    Attributes:
        name: of the graph.
        lines: its statements.
    """

    def __init__(self, name: str):
        self.name = name
        self.lines: list[str] = []

    def to_string(self) -> str:
        """Return the text."""
        return "\n".join([f"digraph {_quoted(self.name)} {{", "rankdir=TB;", *self.lines, "}"])

    def write(self, path: str, format: str = "raw", **options: Any) -> None:
        """Write the text into a file; pictures are drawn by Graphviz."""
        if format not in ("raw", "dot"):
            raise NotImplementedError("jtorch writes graphs as text; Graphviz draws them.")
        with open(path, "w") as file:
            file.write(self.to_string())

    write_raw = write_dot = write

    __str__ = to_string


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


class FxGraphDrawer:
    """Draws the graph of a module, as text.

    Args:
        graph_module: the module.
        name: of the drawing.
        ignore_getattr: whether nodes that read attributes are left out.
        ignore_parameters_and_buffers: whether tensors of modules are left out.
        skip_node_names_in_args: whether names of nodes among arguments are left out.
        parse_stack_trace: whether the line that made a node is shown.
    """

    def __init__(
        self,
        graph_module: GraphModule,
        name: str,
        ignore_getattr: bool = False,
        ignore_parameters_and_buffers: bool = False,
        skip_node_names_in_args: bool = True,
        parse_stack_trace: bool = False,
        **options: Any,
    ):
        self._name = name
        self._module = graph_module
        self._ignore_getattr = ignore_getattr
        self._skip_names = skip_node_names_in_args
        self._stack = parse_stack_trace
        self._graphs = {name: self._draw(graph_module, name)}
        for each in graph_module.graph.nodes:
            if each.op == "call_module":
                inner = graph_module.get_submodule(each.target)
                if isinstance(inner, GraphModule):
                    self._graphs[f"{name}_{each.target}"] = self._draw(
                        inner, f"{name}_{each.target}"
                    )

    def get_dot_graph(self, submod_name: str | None = None) -> DotGraph:
        """Return the drawing of the module, or of one of its submodules."""
        name = self._name if submod_name is None else f"{self._name}_{submod_name}"
        return self._graphs[name]

    get_main_dot_graph = get_dot_graph

    def get_submod_dot_graph(self, submod_name: str) -> DotGraph:
        """Return the drawing of a submodule."""
        return self.get_dot_graph(submod_name)

    def get_all_dot_graphs(self) -> dict[str, DotGraph]:
        """Return all drawings, by name."""
        return self._graphs

    def _draw(self, module: GraphModule, name: str) -> DotGraph:
        drawing = DotGraph(name)
        for node in module.graph.nodes:
            if self._ignore_getattr and node.op == "get_attr":
                continue
            color = _color(module, node)
            drawing.lines.append(
                f"{node.name} [label={_quoted(self._label(module, node))}, shape=record, "
                f'style="filled,rounded", fillcolor={color}, fontcolor="#000000"];'
            )
        for node in module.graph.nodes:
            if self._ignore_getattr and node.op == "get_attr":
                continue
            drawing.lines.extend(f"{node.name} -> {user.name};" for user in node.users)
        return drawing

    def _label(self, module: GraphModule, node: Node) -> str:
        parts = [f"name=%{node.name}", f"op_code={node.op}"]
        if node.op == "call_module":
            leaf = module.get_submodule(node.target)
            parts[-1] += f"\\n{type(leaf).__module__}.{type(leaf).__name__}"
        else:
            target = node.target if isinstance(node.target, str) else qualified_name(node.target)
            parts.append(f"target={target}")
            if node.args:
                parts.append(f"args={_brief(node.args, self._skip_names)}")
            if node.kwargs:
                parts.append(f"kwargs={_brief(node.kwargs, self._skip_names)}")
            parts.append(f"num_users={len(node.users)}")
        meta: Any = node.meta.get("tensor_meta")
        if hasattr(meta, "shape"):
            parts.append(f"dtype={meta.dtype}\\nshape={tuple(meta.shape)}")
        if self._stack and node.stack_trace:
            parts.append(node.stack_trace.strip().splitlines()[-1].strip())
        return "{" + "|".join(parts) + "\\n}"


def _brief(values: Any, skip_names: bool) -> str:
    text = str(values)
    for sign in "{}<>|":
        text = text.replace(sign, f"\\{sign}")
    return text


def _color(module: GraphModule, node: Node) -> str:
    if node.op in _COLORS:
        return _COLORS[node.op]
    target = node.target if isinstance(node.target, str) else qualified_name(node.target)
    return _HASHED[sum(map(ord, target)) % len(_HASHED)]


__getattr__ = _absent.attributes(__name__)
