"""Stand-ins for values, which record what is done with them."""

from __future__ import annotations

import copy
import dataclasses
import dis
import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any

import jtorch as torch

from .._runtime import absent as _absent
from ..overrides import is_tensor_method_or_property
from ._codegen import magic_methods, reflectable_magic_methods
from .graph import Graph
from .node import Node, base_types, map_aggregate

__all__ = [
    "Attribute",
    "GraphAppendingTracer",
    "ParameterProxy",
    "Proxy",
    "Scope",
    "ScopeContextManager",
    "TraceError",
    "TracerBase",
]


class TraceError(ValueError):
    """A function does something that cannot be recorded."""


class Scope:
    """The module whose ``forward`` is being traced.

    Attributes:
        module_path: its qualified name.
        module_type: its class.
    """

    def __init__(self, module_path: str, module_type: Any):
        self.module_path = module_path
        self.module_type = module_type


class ScopeContextManager:
    """A block in which another module's ``forward`` is traced."""

    def __init__(self, scope: Scope, current_scope: Scope):
        self._before = copy.copy(scope)
        scope.module_path = current_scope.module_path
        scope.module_type = current_scope.module_type
        self._scope = scope

    def __enter__(self) -> Scope:
        return self._scope

    def __exit__(self, *exception: object) -> None:
        self._scope.module_path = self._before.module_path
        self._scope.module_type = self._before.module_type


class TracerBase:
    """What makes nodes of what is done with proxies.

    Attributes:
        graph: the graph under way.
        record_stack_traces: whether nodes keep where they were recorded.
        check_mutable_operations: taken and not needed: nothing is checked.
        trace_asserts: whether an ``assert`` on a proxy is recorded.
        proxy_buffer_attributes: whether buffers are proxies when they are read.
    """

    graph: Graph
    record_stack_traces: bool = False
    check_mutable_operations: bool = False
    trace_asserts: bool = False
    proxy_buffer_attributes: bool = False
    traced_func_name: str = "forward"
    scope: Scope
    module_stack: dict[str, Any]
    node_name_to_scope: dict[str, tuple[str, Any]]

    def create_node(
        self,
        kind: str,
        target: Any,
        args: tuple,
        kwargs: dict[str, Any],
        name: str | None = None,
        type_expr: Any = None,
    ) -> Node:
        """Make a node; subclasses may refuse or change it."""
        node = self.graph.create_node(kind, target, args, kwargs, name, type_expr)
        scope = getattr(self, "scope", None)
        if scope is not None:
            self.node_name_to_scope[node.name] = (scope.module_path, scope.module_type)
            if self.module_stack:
                node.meta["nn_module_stack"] = dict(self.module_stack)
        return node

    def proxy(self, node: Node) -> Proxy:
        """Return the proxy of a node."""
        return Proxy(node, self)

    def create_proxy(
        self,
        kind: str,
        target: Any,
        args: tuple,
        kwargs: dict[str, Any],
        name: str | None = None,
        type_expr: Any = None,
        proxy_factory_fn: Callable[[Node], Proxy] | None = None,
    ) -> Proxy:
        """Make a node of arguments that may hold proxies, and return its proxy.

        Args:
            kind: operation of the node.
            target: what is called or read.
            args, kwargs: the arguments.
            name: the wished name.
            type_expr: annotation of the result.
            proxy_factory_fn: makes the proxy, instead of ``proxy``.
        """
        own_args = self.create_arg(args)
        own_kwargs = self.create_arg(kwargs)
        if not isinstance(own_args, tuple):
            raise AssertionError(f"Expected args_ to be tuple, got {type(own_args)}")
        if not isinstance(own_kwargs, dict):
            raise AssertionError(f"Expected kwargs_ to be dict, got {type(own_kwargs)}")
        node = self.create_node(kind, target, own_args, own_kwargs, name, type_expr)
        made = self.proxy(node) if proxy_factory_fn is None else proxy_factory_fn(node)
        if self.record_stack_traces and not node.stack_trace:
            node.stack_trace = _user_stack()
        return made

    def create_arg(self, a: Any) -> Any:
        """Return what stands for a value among the arguments of a node.

        Raises:
            NotImplementedError: nothing can.
        """
        if isinstance(a, Proxy):
            return a.node
        if hasattr(a, "__fx_create_arg__"):
            return a.__fx_create_arg__(self)
        if isinstance(a, tuple):
            values = [self.create_arg(each) for each in a]
            return type(a)(*values) if hasattr(a, "_fields") else tuple(values)
        if isinstance(a, list):
            return [self.create_arg(each) for each in a]
        if isinstance(a, dict):
            return {self._key(key): self.create_arg(each) for key, each in a.items()}
        if isinstance(a, slice):
            return slice(*[self.create_arg(each) for each in (a.start, a.stop, a.step)])
        if isinstance(a, range):
            return range(*[self.create_arg(each) for each in (a.start, a.stop, a.step)])
        if dataclasses.is_dataclass(a) and not isinstance(a, type):
            fields = {f.name: self.create_arg(getattr(a, f.name)) for f in dataclasses.fields(a)}
            return self.create_node("call_function", type(a), (), fields)
        if isinstance(a, (*base_types, type)) or a is None or a is ...:
            return a
        if isinstance(a, Node) or (callable(a) and getattr(a, "__name__", "").isidentifier()):
            return a
        raise NotImplementedError(f"argument of type: {type(a)}")

    def _key(self, key: Any) -> Any:
        made = self.create_arg(key)

        def refuse(node: Any) -> Any:
            if isinstance(node, Node):
                raise RuntimeError(
                    "Keys for dictionaries used as an argument cannot contain a "
                    f"Node. Got key: {key}"
                )
            return node

        map_aggregate(made, refuse)
        return made

    def to_bool(self, obj: Proxy) -> bool:
        """Answer where a proxy is a condition."""
        raise TraceError("symbolically traced variables cannot be used as inputs to control flow")

    def iter(self, obj: Proxy) -> Iterator[Any]:
        """Answer where a proxy is iterated over."""
        raise TraceError(
            "Proxy object cannot be iterated. This can be "
            "attempted when the Proxy is used in a loop or"
            " as a *args or **kwargs function argument. "
            "See the torch.fx docs on pytorch.org for a "
            "more detailed explanation of what types of "
            "control flow can be traced, and check out the"
            " Proxy docstring for help troubleshooting "
            "Proxy iteration errors"
        )

    def keys(self, obj: Proxy) -> Any:
        """Answer where a proxy is asked for its keys."""
        return Attribute(obj, "keys")()


def _user_stack() -> str:
    """Return the calls that led here, without those of this package."""
    import traceback

    frames = traceback.extract_stack()
    own = [each for each in frames if f"{'jtorch'}/fx/" not in each.filename.replace("\\", "/")]
    return "".join(traceback.format_list(own))


class GraphAppendingTracer(TracerBase):
    """Makes nodes where a graph inserts them."""

    def __init__(self, graph: Graph):
        super().__init__()
        self.graph = graph
        self.scope = Scope("", None)
        self.module_stack = {}
        self.node_name_to_scope = {}


class Proxy:
    """Stands for the result of a node; what is done with it becomes a node.

    Args:
        node: the node.
        tracer: makes the nodes; by default where the node's graph inserts them.
    """

    def __init__(self, node: Node, tracer: TracerBase | None = None):
        self.tracer = GraphAppendingTracer(node.graph) if tracer is None else tracer
        self.node = node

    def __repr__(self) -> str:
        return f"Proxy({self.node.name})"

    def __getattr__(self, k: str) -> Any:
        # What the engine asks of a tensor is no attribute that the function reads.
        if k in _ASKED_BY_ENGINE:
            raise AttributeError(k)
        return Attribute(self, k)

    def __getstate__(self) -> dict:
        return self.__dict__

    def __setstate__(self, state: dict) -> None:
        self.__dict__ = state

    def __deepcopy__(self, memo: dict) -> Proxy:
        state = {key: copy.deepcopy(value, memo) for key, value in self.__dict__.items()}
        made = Proxy.__new__(type(self))
        made.__dict__ = state
        return made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.tracer.create_proxy("call_method", "__call__", (self, *args), kwargs)

    def __iter__(self) -> Iterator[Any]:
        frame = sys._getframe(1)
        for each in dis.get_instructions(frame.f_code):
            if each.offset == frame.f_lasti and each.opname == "UNPACK_SEQUENCE":
                return (self[index] for index in range(each.argval))  # type: ignore[index]
        return self.tracer.iter(self)

    def __abs__(self) -> Any:
        return self.tracer.create_proxy("call_function", operator.abs, (self,), {})

    def __bool__(self) -> bool:
        if self.tracer.trace_asserts:
            message = _assert_message(sys._getframe(1))
            if message is not None:
                self.tracer.create_proxy("call_function", torch._assert, (self, message[0]), {})
                return True
        return self.tracer.to_bool(self)

    def keys(self) -> Any:
        """Answer where it is asked for its keys."""
        return self.tracer.keys(self)

    def __len__(self) -> int:
        raise RuntimeError(
            "'len' is not supported in symbolic tracing by default. If you want "
            "this call to be recorded, please call torch.fx.wrap('len') at "
            "module scope"
        )

    @classmethod
    def __torch_function__(
        cls, orig_method: Any, types: Any, args: Any = None, kwargs: Any = None
    ) -> Any:
        args = args or ()
        kwargs = kwargs or {}
        tracers: dict[Any, None] = {}

        def find(value: Any) -> Any:
            if isinstance(value, cls):
                tracers[value.tracer] = None
            return value

        map_aggregate(args, find)
        map_aggregate(kwargs, find)
        if len(tracers) > 1:
            raise RuntimeError(
                f"Found multiple different tracers {list(tracers)} while trying to trace "
                f"operations {orig_method}"
            )
        (tracer,) = tracers
        if is_tensor_method_or_property(orig_method):
            return tracer.create_proxy("call_method", orig_method.__name__, args, kwargs)
        return tracer.create_proxy(
            "call_function",
            orig_method,
            args,
            kwargs,
            name=tracer.graph._target_to_str(orig_method.__name__),
        )


#: Attributes by which the engine knows tensors, arrays and arguments of other sorts.
_ASKED_BY_ENGINE = frozenset(
    (
        *("_value", "_alias", "_operand", "_writes", "_extra", "__jax_array__", "__array__"),
        *("__array_interface__", "__dlpack__", "__index__", "_fields", "__fx_create_arg__"),
        *("__cuda_array_interface__", "__array_struct__", "__dlpack_device__", "__wrapped__"),
    )
)


def _assert_message(frame: Any) -> tuple[Any] | None:
    """Return the message of the ``assert`` whose condition is being asked for, if it is one."""
    instructions = list(dis.get_instructions(frame.f_code))
    here = next(i for i, each in enumerate(instructions) if each.offset == frame.f_lasti)
    for jump in instructions[here : here + 2]:
        if jump.opname.startswith(("POP_JUMP_IF_TRUE", "POP_JUMP_FORWARD_IF_TRUE")):
            following = instructions[instructions.index(jump) + 1 :]
            if following and following[0].opname == "LOAD_ASSERTION_ERROR":
                constant = following[1]
                text = constant.argval if constant.opname == "LOAD_CONST" else None
                return (text,)
    return None


class MetaProxy(Proxy):
    """A proxy whose node keeps a tensor that shows what it will be like."""

    def __init__(self, node: Node, tracer: TracerBase | None = None, fake_mode: Any = None):
        super().__init__(node, tracer)
        self.fake_mode = fake_mode


class Attribute(Proxy):
    """An attribute of a proxy; it becomes a node where it is not called as a method."""

    def __init__(self, root: Proxy, attr: str):
        self.root = root
        self.attr = attr
        self.tracer = root.tracer
        self._node: Node | None = None

    @property
    def node(self) -> Node:  # type: ignore[override]
        """The node that reads it, made when it is asked for."""
        if self._node is None:
            self._node = self.tracer.create_proxy(
                "call_function", getattr, (self.root, self.attr), {}
            ).node
        return self._node

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.tracer.create_proxy("call_method", self.attr, (self.root, *args), kwargs)


class ParameterProxy(Proxy):
    """Stands for a parameter whose shape is taken to be constant.

    Args:
        tracer, node: as of ``Proxy``.
        name: of the parameter.
        param: the parameter.
    """

    def __init__(self, tracer: TracerBase, node: Node, name: str, param: Any):
        super().__init__(node, tracer)
        if not isinstance(param, torch.nn.Parameter):
            raise AssertionError(f"expected Parameter, got {type(param)}")
        self.param = param
        self.name = name

    def __repr__(self) -> str:
        return f"ParameterProxy({self.name})"

    @property
    def shape(self) -> Any:
        """The shape of the parameter."""
        return self.param.shape

    def size(self) -> Any:
        """Return the shape of the parameter."""
        return self.param.size()

    def dim(self) -> int:
        """Return the number of dimensions of the parameter."""
        return self.param.dim()

    @property
    def ndim(self) -> int:
        """The number of dimensions of the parameter."""
        return self.param.ndim

    def numel(self) -> int:
        """Return the number of elements of the parameter."""
        return self.param.numel()

    def nelement(self) -> int:
        """Return the number of elements of the parameter."""
        return self.param.nelement()


def _define(name: str) -> None:
    target = getattr(operator, name)

    def method(*args: Any, **kwargs: Any) -> Any:
        return args[0].tracer.create_proxy("call_function", target, args, kwargs)

    special = f"__{name.strip('_')}__"
    method.__name__ = method.__qualname__ = special
    setattr(Proxy, special, method)


def _define_reflected(name: str) -> None:
    target = getattr(operator, name)

    def method(self: Proxy, rhs: Any) -> Any:
        return self.tracer.create_proxy("call_function", target, (rhs, self), {})

    special = f"__r{name.strip('_')}__"
    method.__name__ = method.__qualname__ = special
    setattr(Proxy, special, method)


for _name in magic_methods:
    _define(_name)
for _name in reflectable_magic_methods:
    _define_reflected(_name)


__getattr__ = _absent.attributes(__name__)
