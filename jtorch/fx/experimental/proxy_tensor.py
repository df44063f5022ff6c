"""``make_fx``: call a function with tensors, and keep the operators that ran as a graph.

The graph is below autograd's functions: its nodes are overloads of ``torch.ops.aten``, as a mode
with ``__torch_dispatch__`` sees them. Sizes and numbers are those of the tensors that were given.
What such a mode does not see (a backward pass, a step of an optimiser, what a transform of
``torch.func`` captures) cannot be in the graph, and is refused.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jtorch as torch

from ..._engine.graph.values import is_tensor
from ..._engine.recording.dispatch_modes import is_captured, without_operators
from ..._engine.recording.overrides import state as _state
from ..._runtime import absent as _absent
from ...utils import _pytree as pytree
from ...utils._python_dispatch import TorchDispatchMode
from .._symbolic_trace import PH, Tracer
from ..graph import Graph
from ..graph_module import GraphModule, _make_graph_module
from ..node import Node
from ..passes.shape_prop import _extract_tensor_metadata
from ..proxy import Proxy
from ._functional_graph import FunctionalGraph

__all__ = [
    "PythonKeyTracer",
    "dispatch_trace",
    "get_innermost_proxy_mode",
    "get_proxy_mode",
    "make_fx",
]

#: Results of operators on constants are constants too, up to this number of elements.
_CONSTANT_ELEMENTS = 1
#: Calls that change tensors or look at their elements, and are no operators.
_UNSEEN_EFFECTS = (
    *("backward", "__setitem__", "__delitem__", "tolist", "numpy", "__array__", "map_", "map2_"),
    *("apply_", "set_", "resize_", "resize_as_", "__dlpack__"),
)
_RANDOM = ("rand", "bernoulli", "uniform", "normal", "multinomial", "dropout", "poisson")


class PythonKeyTracer(Tracer):
    """Makes the nodes of a graph of operators; parameters and tensors are read from its module."""

    def __init__(self) -> None:
        super().__init__(autowrap_modules=())
        self.root = torch.nn.Module()
        self.tensor_attrs = {}

    def call_module(self, m: Any, forward: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Call a module: what runs in it is seen."""
        return forward(*args, **kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """Return an attribute as it is."""
        return attr_val

    def create_arg(self, a: Any) -> Any:
        """Return what stands for a value; a parameter becomes one of the module's."""
        if isinstance(a, torch.nn.Parameter):
            for name, parameter in self.root.named_parameters():
                if a is parameter:
                    return self.create_node("get_attr", name, (), {})
            name = self.get_fresh_qualname("_param_constant")
            setattr(self.root, name, a)
            return self.create_node("get_attr", name, (), {})
        return super().create_arg(a)


class ProxyTorchDispatchMode(TorchDispatchMode):
    """Records each operator as a node, and runs it.

    Args:
        tracer: makes the nodes.
        decompositions: functions that are traced instead of an overload.
    """

    def __init__(self, tracer: PythonKeyTracer, decompositions: Mapping[Any, Callable]):
        super().__init__()
        self.tracer = tracer
        self.decompositions = decompositions
        self.functional: FunctionalGraph | None = None
        # Tensors are held, so that their ids stay theirs.
        self._proxies: dict[int, tuple[Any, Proxy]] = {}
        self._constants: dict[Node, Any] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if is_captured():
            raise NotImplementedError(
                "make_fx: jtorch does not see the operators of a function that a transform of "
                "torch.func captures; apply the transform to what make_fx returns"
            )
        if func in self.decompositions:
            with self:
                result = self.decompositions[func](*args, **kwargs)
            if result is not NotImplemented:
                return result
        if func is torch.ops.aten.lift_fresh.default:
            func = torch.ops.aten.lift_fresh_copy.default
        constants = self._constants_of(args, kwargs)
        if func._opname in ("_local_scalar_dense", "equal"):
            if constants is None:
                raise _value_is_asked_for(func)
            return func(*constants[0], **constants[1])
        if self.functional is not None:
            return self.functional.call(func, args, kwargs)
        found = self.node(func, *pytree.tree_map(self.stand_in, (args, kwargs)))
        result = func(*args, **kwargs)
        if func._opname == "lift_fresh_copy" and result.numel() <= _CONSTANT_ELEMENTS:
            self._constants[found.node] = result
        elif constants is not None and not _is_random(func) and not func._schema.is_mutable:
            self._note_constant(found, func(*constants[0], **constants[1]))
        self.track(result, found)
        return result

    def node(self, func: Any, args: tuple, kwargs: dict[str, Any]) -> Proxy:
        """Make the node of an operator; proxies stand for tensors among the arguments."""
        name = self.tracer.graph._target_to_str(func._opname)
        return self.tracer.create_proxy("call_function", func, args, kwargs, name=name)

    def stand_in(self, value: Any) -> Any:
        """Return the proxy of a tensor, and anything else as it is."""
        return self.proxy_of(value) if is_tensor(value) else value

    def proxy_of(self, tensor: Any) -> Any:
        """Return the proxy of a tensor; a tensor that was not traced is a constant."""
        found = self._proxies.get(id(tensor))
        return tensor if found is None else found[1]

    def is_traced(self, tensor: Any) -> bool:
        """Tell whether a tensor has a proxy."""
        return id(tensor) in self._proxies

    def track(self, result: Any, proxy: Proxy) -> None:
        """Note which proxies stand for the tensors of a result."""
        if is_tensor(result):
            self._proxies[id(result)] = (result, proxy)
            _note_meta(proxy.node, result)
        elif isinstance(result, (tuple, list)):
            for index, each in enumerate(result):
                self.track(each, proxy[index])  # type: ignore[index]

    def passed_over(self, name: str, args: tuple, kwargs: dict[str, Any], result: Any) -> None:
        """Refuse a call that is no operator, and would be missing in the graph.

        Raises:
            NotImplementedError: it makes or changes a tensor, or looks at elements.
        """
        given = [each for each in pytree.tree_leaves((args, kwargs)) if is_tensor(each)]
        if not any(map(self.is_traced, given)):
            return
        made = [each for each in pytree.tree_leaves(result) if is_tensor(each)]
        changes = name.startswith("__set__") or name in _UNSEEN_EFFECTS
        if changes or not all(self.is_traced(each) for each in made):
            raise NotImplementedError(
                f"make_fx: jtorch does not see the operators that {name.split(':')[-1]} is made of"
            )

    def _constants_of(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Return the arguments with the values of constants; ``None`` where one has no value."""
        known = True

        def value_of(each: Any) -> Any:
            nonlocal known
            if not is_tensor(each) or not self.is_traced(each):
                return each
            node = self._proxies[id(each)][1].node
            known = known and node in self._constants
            return self._constants.get(node)

        found = pytree.tree_map(value_of, (args, kwargs))
        given = pytree.tree_leaves((args, kwargs))
        traced = any(is_tensor(each) and self.is_traced(each) for each in given)
        return found if known and traced else None

    def _note_constant(self, proxy: Proxy, value: Any) -> None:
        if is_tensor(value) and value.numel() <= _CONSTANT_ELEMENTS:
            self._constants[proxy.node] = value

    def functional_call(self, func: Callable, remove_views: bool, args: tuple, kwargs: dict) -> Any:
        """Call a function whose part of the graph writes to no tensor.

        Args:
            func: the function.
            remove_views: whether views become copies in the graph, too.
            args, kwargs: of the call.
        """
        outer = self.functional
        graph = FunctionalGraph(self, remove_views)
        inputs = [each for each in pytree.tree_leaves((args, kwargs)) if is_tensor(each)]
        graph.enter(inputs)
        self.functional = graph
        try:
            result = func(*args, **kwargs)
        finally:
            self.functional = outer
        graph.leave(pytree.tree_leaves(result), inputs)
        return result


def _value_is_asked_for(func: Any) -> RuntimeError:
    return RuntimeError(
        f"It appears that you're trying to get value out of a tracing tensor with {func} - "
        "erroring out! It's likely that this is caused by data-dependent control flow or similar. "
        " It may be possible to trace this with dynamic shapes; try setting "
        "tracing_mode='symbolic' in your make_fx call."
    )


def _is_random(func: Any) -> bool:
    return any(word in func._opname for word in _RANDOM)


def _note_meta(node: Node, tensor: Any) -> None:
    with without_operators():
        node.meta["val"] = torch.empty_strided(
            tuple(tensor.shape), tensor.stride(), dtype=tensor.dtype, device="meta"
        )
        node.meta["tensor_meta"] = _extract_tensor_metadata(tensor)


def get_proxy_mode() -> ProxyTorchDispatchMode | None:
    """Return the mode of the innermost trace under way, if there is one."""
    for mode in reversed(_state.dispatch_modes):
        if isinstance(mode, ProxyTorchDispatchMode):
            return mode
    return None


get_innermost_proxy_mode = get_proxy_mode


def dispatch_trace(
    root: Callable, tracer: Tracer, concrete_args: tuple | None = None
) -> GraphModule:
    """Return the module of what a function does with proxies.

    Args:
        root: the function.
        tracer: makes the nodes.
        concrete_args: for each argument a value, or ``PH`` for one that is not known.
    """
    graph: Graph = tracer.trace(root, concrete_args)  # type: ignore[arg-type]
    return _make_graph_module(tracer.root, graph, getattr(root, "__name__", type(root).__name__))


def _with_places(function: Callable, count: int) -> Callable:
    """Return a function that takes ``count`` arguments by place, for one that has no such code."""
    names = ", ".join(f"arg{number}" for number in range(count))
    found: dict[str, Any] = {"function": function}
    exec(f"def call({names}): return function({names})", found)
    call = found["call"]
    call.__name__ = getattr(function, "__name__", type(function).__name__)
    return call


def _traced(function: Callable, args: tuple, mode: ProxyTorchDispatchMode) -> Callable:
    """Return a function of proxies that calls another with tensors, under the mode."""

    @functools.wraps(function)
    def call(*proxies: Any, **unused: Any) -> Any:
        flat_proxies, flat_args = pytree.tree_leaves(proxies), pytree.tree_leaves(args)
        for proxy, value in zip(flat_proxies, flat_args, strict=True):
            if isinstance(proxy, Proxy):
                mode.track(value, proxy)
        with mode:
            result = function(*args)
        return pytree.tree_map(mode.stand_in, _plain(result))

    return call


def _plain(result: Any) -> Any:
    """Return a result with plain tuples for those of operators (``torch.return_types``)."""
    if type(result).__module__.endswith("return_types"):
        return tuple(result)
    return result


def make_fx(
    f: Callable[..., Any],
    decomposition_table: Mapping[Any, Callable[..., Any]] | None = None,
    tracing_mode: str = "real",
    _allow_non_fake_inputs: bool = False,
    *,
    pre_dispatch: bool = False,
    record_module_stack: bool = False,
    _allow_fake_constant: bool = False,
    _error_on_data_dependent_ops: bool = True,
    record_stack_traces: bool = False,
    proxy_module_inputs: bool = False,
    _disable_torch_fn_metadata_mode: bool = False,
) -> Callable[..., GraphModule]:
    """Return a function that gives the graph of ``f`` for the arguments that it is called with.

    Args:
        f: a function of tensors, in lists, tuples and dicts too, or a module.
        decomposition_table: by overload, a function that is traced instead.
        tracing_mode: ``"real"``: operators run while they are recorded.
        record_stack_traces: whether nodes keep where they were recorded.
    Returns:
        Function of the arguments of ``f``. It gives a ``GraphModule`` of operators of
        ``torch.ops.aten``, whose sizes and numbers are those of the call.
    Raises:
        AssertionError: there is no such mode.
        NotImplementedError: it is another mode, or ``pre_dispatch``; or, when it is called, ``f``
            does what no mode sees.
        RuntimeError: ``f`` looks at elements of what is traced.
    """
    if tracing_mode not in ("real", "fake", "symbolic"):
        raise AssertionError(f"tracing_mode must be real/fake/symbolic, got {tracing_mode}")
    if tracing_mode != "real":
        raise NotImplementedError(
            f"make_fx: jtorch runs what it traces; tracing_mode={tracing_mode!r} is not there"
        )
    if pre_dispatch:
        raise NotImplementedError(
            "make_fx: jtorch traces below autograd's functions; torch.fx.symbolic_trace is above"
        )

    @functools.wraps(f)
    def trace(*args: Any) -> GraphModule:
        tracer = PythonKeyTracer()
        tracer.record_stack_traces = record_stack_traces
        mode = ProxyTorchDispatchMode(tracer, decomposition_table or {})
        code = getattr(inspect.unwrap(f), "__code__", None)
        function = f
        if code is None or code.co_flags & inspect.CO_VARARGS:
            function = _with_places(f, len(args))
        places = pytree.tree_map(lambda each: PH, args)
        return dispatch_trace(_traced(function, args, mode), tracer, tuple(places))

    return trace


__getattr__ = _absent.attributes(__name__)
