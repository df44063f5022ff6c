"""Graphs of functions and modules, made by calling them with stand-ins: ``torch.fx``.

``symbolic_trace`` gives a ``GraphModule``, whose ``graph`` can be read and changed, and whose
``forward`` is Python code generated from the graph. It rests on ``__torch_function__`` alone:
``Proxy`` overrides every public function.
"""

from __future__ import annotations

from .._runtime import absent as _absent
from . import immutable_collections as immutable_collections
from . import node as node

from . import graph as graph  # isort: skip
from . import _pytree as _pytree
from . import graph_module as graph_module
from . import proxy as proxy
from ._symbolic_trace import PH as PH
from ._symbolic_trace import ProxyableClassMeta as ProxyableClassMeta
from ._symbolic_trace import Tracer as Tracer
from ._symbolic_trace import symbolic_trace as symbolic_trace
from ._symbolic_trace import wrap as wrap
from .graph import CodeGen as CodeGen
from .graph import Graph as Graph
from .graph_module import GraphModule as GraphModule
from .interpreter import Interpreter as Interpreter
from .interpreter import Transformer as Transformer
from .node import Node as Node
from .node import has_side_effect as has_side_effect
from .node import map_arg as map_arg
from .proxy import Proxy as Proxy
from .subgraph_rewriter import replace_pattern as replace_pattern

__all__ = [
    "CodeGen",
    "Graph",
    "GraphModule",
    "Interpreter",
    "Node",
    "PH",
    "Proxy",
    "ProxyableClassMeta",
    "Tracer",
    "Transformer",
    "has_side_effect",
    "map_arg",
    "replace_pattern",
    "symbolic_trace",
    "wrap",
]

__getattr__ = _absent.attributes(__name__)
