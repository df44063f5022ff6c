"""``torch.fx.symbolic_trace``: call a function with proxies, and keep what it did."""

from __future__ import annotations

import builtins
import copy
import functools
import inspect
import math
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import jtorch as torch

from .._runtime import absent as _absent
from ..nn.modules.module import Module
from ..utils import _pytree as pytree
from ._codegen import PyTreeCodeGen, PyTreeInfo
from .graph import Graph
from .graph_module import GraphModule, _make_graph_module
from .node import base_types
from .proxy import ParameterProxy, Proxy, Scope, ScopeContextManager, TracerBase

__all__ = ["PH", "ProxyableClassMeta", "Tracer", "symbolic_trace", "wrap"]

_depth = 0


def is_fx_tracing() -> bool:
    """Tell whether something is being traced."""
    return _depth > 0


is_fx_symbolic_tracing = is_fx_tracing


class PHBase:
    """Stands among concrete arguments for one that is not concrete."""

    def __repr__(self) -> str:
        return "PH"


PH = PHBase()


class PHWithMeta(PHBase):
    """The same, with notes for the node of the parameter.

    Args:
        ph_key: a name that passes know it by.
    """

    def __init__(self, ph_key: str | None = None):
        super().__init__()
        self.ph_key = ph_key


class ProxyableClassMeta(type):
    """Makes classes whose constructor may take proxies: the call then becomes a node."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        instance = cls.__new__(cls)  # type: ignore[call-overload]
        found: list[Any] = []
        _visit_proxies((args, kwargs), found.append)
        if not is_fx_tracing() or not found:
            cls.__init__(instance, *args, **kwargs)  # type: ignore[misc]
            return instance
        tracers = {id(each.tracer): each.tracer for each in found}
        if len(tracers) > 1:
            raise AssertionError("Multiple different tracers found among the arguments")
        (tracer,) = tracers.values()
        return tracer.create_proxy("call_function", cls, args, kwargs)


def _visit_proxies(values: Any, visit: Callable[[Proxy], Any]) -> None:
    if isinstance(values, Proxy):
        visit(values)
    elif isinstance(values, (tuple, list)):
        for each in values:
            _visit_proxies(each, visit)
    elif isinstance(values, dict):
        for each in values.values():
            _visit_proxies(each, visit)
    elif isinstance(values, slice):
        _visit_proxies((values.start, values.stop, values.step), visit)


def _annotations(function: Any) -> dict[str, Any]:
    """Return the annotations of a user's function; PyTorch's own modules have none."""
    return (
        {}
        if (function.__module__ or "").startswith(("torch.nn.", "jtorch.nn."))
        else function.__annotations__
    )


def _parameter_proxy(tracer: Any, name: str, parameter: Any, node: Any) -> Proxy:
    return ParameterProxy(tracer, node, name, parameter)


def _find_proxy(*values: Any) -> Proxy | None:
    found: list[Proxy] = []
    _visit_proxies(values, found.append)
    return found[0] if found else None


def _patch_function(fn: Any, nargs: int) -> Callable:
    """Return a function that takes ``nargs`` arguments by position, ``*args`` among them."""
    code = fn.__code__
    flags = code.co_flags & ~(inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    changed = code.replace(
        co_argcount=nargs, co_posonlyargcount=0, co_kwonlyargcount=0, co_flags=flags
    )
    made = types.FunctionType(changed, fn.__globals__, fn.__name__, None, fn.__closure__)
    return made


class _Patches:
    """Changes to dicts and objects that are taken back at the end of a block."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._visited: set[int] = set()

    def item(self, table: dict[str, Any], name: str, make: Callable[[Any], Any]) -> None:
        """Change an entry of a dict."""
        before = table[name]
        table[name] = make(before)
        self._undo.append(lambda: table.__setitem__(name, before))

    def new_item(self, table: dict[str, Any], name: str, value: Any) -> None:
        """Add an entry to a dict."""
        table[name] = value
        self._undo.append(lambda: table.__delitem__(name))

    def attribute(self, owner: Any, name: str, value: Any) -> None:
        """Change an attribute."""
        before = getattr(owner, name)
        own = name in vars(owner)
        setattr(owner, name, value)
        self._undo.append(
            (lambda: setattr(owner, name, before)) if own else (lambda: delattr(owner, name))
        )

    def is_first_visit(self, table: Any) -> bool:
        """Tell whether a dict is met for the first time."""
        if id(table) in self._visited:
            return False
        self._visited.add(id(table))
        return True

    def __enter__(self) -> _Patches:
        return self

    def __exit__(self, *exception: object) -> None:
        while self._undo:
            self._undo.pop()()


#: Functions that become nodes: ``(id of the globals, name)`` to the globals.
_wrapped_fns_to_patch: dict[tuple[int, str], dict[str, Any]] = {}
_wrapped_methods_to_patch: list[tuple[Any, str]] = []


def wrap(fn_or_name: str | Callable) -> Any:
    """Let calls of a global function become nodes; called where the module is written.

    Args:
        fn_or_name: the function, or the name of one of the module's globals or of Python's own.
    """
    if not callable(fn_or_name) and not isinstance(fn_or_name, str):
        raise RuntimeError(
            "Unsupported type for global function! Must be either a callable or string name"
        )
    if callable(fn_or_name):
        if isinstance(fn_or_name, str):
            raise AssertionError("fn_or_name should not be a string when callable")
        name = fn_or_name.__name__
    else:
        name = fn_or_name
    frame = inspect.currentframe()
    caller = None if frame is None else frame.f_back
    if caller is None:
        raise AssertionError("f is None after getting parent frame")
    if caller.f_code.co_name != "<module>":
        raise NotImplementedError("wrap must be called at the top level of a module")
    _wrapped_fns_to_patch[id(caller.f_globals), name] = caller.f_globals
    return fn_or_name


def _recording(function: Callable) -> Callable:
    """Return a function that becomes a node where it is called with proxies."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        proxy = _find_proxy(args, kwargs)
        if proxy is None:
            return function(*args, **kwargs)
        made = proxy.tracer.create_proxy("call_function", function, args, kwargs)
        made.node.meta["is_wrapped"] = True
        return made

    return call


def _recording_method(cls: Any, name: str) -> Callable:
    function = getattr(cls, name)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        proxy = _find_proxy(args, kwargs)
        if proxy is None:
            return function(*args, **kwargs)
        return proxy.tracer.create_proxy("call_method", name, args, kwargs)

    return call


def _patch_wrapped_functions(patches: _Patches) -> None:
    for (_, name), table in list(_wrapped_fns_to_patch.items()):
        if name in table:
            patches.item(table, name, _recording)
        elif hasattr(builtins, name):
            patches.new_item(table, name, _recording(getattr(builtins, name)))
    for cls, name in _wrapped_methods_to_patch:
        patches.attribute(cls, name, _recording_method(cls, name))


def _autowrap_check(patches: _Patches, table: dict[str, Any], function_ids: set[int]) -> None:
    if not patches.is_first_visit(table):
        return
    for name, value in list(table.items()):
        if not name.startswith("_") and callable(value) and id(value) in function_ids:
            patches.item(table, name, _recording)


class Tracer(TracerBase):
    """Makes a graph of a module or function by calling it with proxies.

    Args:
        autowrap_modules: Python modules whose functions become nodes.
        autowrap_functions: further functions that do.
        param_shapes_constant: whether shapes of parameters are taken to be constant.
    """

    def __init__(
        self,
        autowrap_modules: tuple[Any, ...] = (math,),
        autowrap_functions: tuple[Callable, ...] = (),
        param_shapes_constant: bool = False,
    ):
        super().__init__()
        functions = [
            value
            for module in autowrap_modules
            for name, value in vars(module).items()
            if not name.startswith("_") and callable(value)
        ]
        self._autowrap_function_ids = {id(each) for each in (*functions, *autowrap_functions)}
        self._autowrap_search = list(autowrap_modules)
        self.param_shapes_constant = param_shapes_constant
        self.submodule_paths: dict[Any, str] | None = None
        self.root_module_name = ""
        self.scope = Scope("", None)
        self.module_stack: dict[str, Any] = {}
        self.node_name_to_scope: dict[str, tuple[str, Any]] = {}
        self.num_calls: dict[str, int] = {}
        self.tensor_attrs: dict[Any, str] = {}

    def get_fresh_qualname(self, prefix: str) -> str:
        """Return a name that no attribute of the root has."""
        number = 0
        while hasattr(self.root, f"{prefix}{number}"):
            number += 1
        return f"{prefix}{number}"

    def create_arg(self, a: Any) -> Any:
        """Return what stands for a value: parameters and tensors are read from the root."""
        if isinstance(a, torch.nn.Parameter):
            for name, parameter in self.root.named_parameters():
                if a is parameter:
                    return self.create_node("get_attr", name, (), {})
            raise NameError("parameter is not a member of this module")
        if isinstance(a, torch.Tensor):
            for name, buffer in self.root.named_buffers():
                if a is buffer:
                    return self.create_node("get_attr", name, (), {})
        elif isinstance(a, Module):
            for name, module in self.root.named_modules():
                if a is module:
                    return self.create_node("get_attr", name, (), {})
        if isinstance(a, tuple) and hasattr(a, "_fields"):
            values = tuple([self.create_arg(each) for each in a])
            return self.create_node("call_function", type(a), values, {})
        if isinstance(a, torch.Tensor):
            known = self.tensor_attrs.get(a)
            if known is None:
                known = self.get_fresh_qualname("_tensor_constant")
                self.tensor_attrs[a] = known
                setattr(self.root, known, a)
            return self.create_node("get_attr", known, (), {})
        if type(a) in _proxyable_classes:
            known = self.get_fresh_qualname(f"_{type(a).__name__}_constant_")
            setattr(self.root, known, a)
            return self.create_node("get_attr", known, (), {})
        return super().create_arg(a)

    def is_leaf_module(self, m: Any, module_qualified_name: str) -> bool:
        """Tell whether a call of a module is one node: of PyTorch's own it is, but containers."""
        own = m.__module__.startswith(("torch.nn", "torch.ao.nn", "jtorch.nn"))
        return own and not isinstance(m, torch.nn.Sequential)

    def path_of_module(self, mod: Any) -> str:
        """Return the qualified name of a module below the root."""
        if self.submodule_paths:
            path = self.submodule_paths.get(mod)
            if path is None:
                raise NameError(f"module {mod._get_name()} is not installed as a submodule")
            return path
        for name, module in self.root.named_modules():
            if mod is module:
                return name
        raise NameError("module is not installed as a submodule")

    def call_module(self, m: Any, forward: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Answer where a module is called: by a node, or by tracing into it.

        Args:
            m: the module.
            forward: calls it.
            args, kwargs: the arguments.
        """
        name = self.path_of_module(m)
        with ScopeContextManager(self.scope, Scope(name, type(m))):
            count = self.num_calls.get(name, 0)
            key = f"{name}@{count}" if count else name
            self.module_stack[key] = (name, type(m))
            self.num_calls[name] = count + 1
            try:
                if self.is_leaf_module(m, name):
                    return self.create_proxy("call_module", name, args, kwargs)
                return forward(*args, **kwargs)
            finally:
                self.module_stack.pop(key, None)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """Answer where an attribute of a module is read: parameters are proxies.

        Args:
            attr: its name.
            attr_val: its value.
            parameter_proxy_cache: the proxies made so far, by qualified name.
        """

        def proxy_of(members: Iterator[tuple[str, Any]]) -> Any:
            for name, each in members:
                if attr_val is not each:
                    continue
                if name not in parameter_proxy_cache:
                    options: dict[str, Any] = {}
                    if "proxy_factory_fn" in inspect.signature(self.create_proxy).parameters:
                        options["proxy_factory_fn"] = (
                            functools.partial(_parameter_proxy, self, name, attr_val)
                            if self.param_shapes_constant
                            else None
                        )
                    made = self.create_proxy("get_attr", name, (), {}, **options)
                    parameter_proxy_cache[name] = made
                return parameter_proxy_cache[name]
            return None

        if isinstance(attr_val, torch.nn.Parameter):
            made = proxy_of(self.root.named_parameters())
            if made is not None:
                return made
        if self.proxy_buffer_attributes and isinstance(attr_val, torch.Tensor):
            made = proxy_of(self.root.named_buffers())
            if made is not None:
                return made
        return attr_val

    def create_args_for_root(
        self, root_fn: Callable, is_module: bool, concrete_args: Any = None
    ) -> tuple[Any, list[Any]]:
        """Make the nodes of the parameters.

        Args:
            root_fn: the function.
            is_module: whether its first parameter is the root.
            concrete_args: values that parameters have, by name or in order.
        Returns:
            The function, in a form that takes all arguments by position, and the arguments.
        """
        function = inspect.unwrap(root_fn)
        code = function.__code__
        total = code.co_argcount + code.co_kwonlyargcount
        names = iter(code.co_varnames)
        args: list[Any] = []
        skipped = 0
        if is_module:
            if total == 0:
                raise RuntimeError("``self`` argument cannot be part of *args expansion!")
            skipped = 1
            next(names)
            args.append(self.root)
        parameters = inspect.signature(function).parameters
        concrete = self._concrete_by_name(concrete_args, code, total, skipped)
        maker = _Placeholders(self, concrete, parameters, _annotations(function))
        own_names = [next(names) for _ in range(skipped, total)]
        args.extend(maker.make(name) for name in own_names)
        if code.co_kwonlyargcount > 0 or code.co_flags & (
            inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
        ):
            if code.co_flags & inspect.CO_VARARGS:
                args.append(maker.make("*" + next(names)))
            if code.co_flags & inspect.CO_VARKEYWORDS:
                args.append(maker.make("**" + next(names)))
            root_fn = _patch_function(function, len(args))
        if concrete_args is None:
            return root_fn, args
        leaves, in_spec = pytree.tree_flatten(tuple(args))
        if all(child.is_leaf() for child in in_spec.children_specs):
            return root_fn, args
        self.graph._codegen = PyTreeCodeGen(
            PyTreeInfo([*(["self"] if skipped else []), *own_names], in_spec, None)
        )
        plain = root_fn

        def flattened(*given: Any) -> Any:
            result = plain(*pytree.tree_unflatten(list(given), in_spec))
            out, out_spec = pytree.tree_flatten(result)
            codegen: Any = self.graph._codegen
            codegen.pytree_info = codegen.pytree_info._replace(out_spec=out_spec)
            return out

        return flattened, leaves

    def _concrete_by_name(
        self, concrete_args: Any, code: Any, total: int, skipped: int
    ) -> dict[str, Any]:
        if isinstance(concrete_args, tuple):
            if len(concrete_args) != total - skipped:
                raise RuntimeError(
                    f"Tracing expected {total - skipped} arguments but got "
                    f"{len(concrete_args)} concrete arguments"
                )
            names = code.co_varnames[skipped:total]
            return dict(zip(names, concrete_args, strict=True))
        return concrete_args or {}

    def trace(self, root: Any, concrete_args: dict[str, Any] | None = None) -> Graph:
        """Return the graph of a module or function.

        Args:
            root: the module or function.
            concrete_args: values that parameters have, by name; ``PH`` in them stands for what is
                not known.
        """
        global _depth
        _depth += 1
        try:
            return self._trace(root, concrete_args)
        finally:
            _depth -= 1

    def _trace(self, root: Any, concrete_args: dict[str, Any] | None) -> Graph:
        is_module = isinstance(root, Module)
        if is_module:
            self.root = root
            fn: Any = getattr(type(root), self.traced_func_name)
            self.root_module_name = root._get_name()
            self.submodule_paths = {module: name for name, module in root.named_modules()}
        else:
            self.root = Module()
            fn = root
        self.graph = Graph(tracer_cls=getattr(self, "__class__", None))
        self.tensor_attrs = {}
        self._collect_tensors(self.root, [])
        if not isinstance(fn, types.FunctionType):
            raise AssertionError(f"Expected FunctionType, got {type(fn)}")
        annotations = _annotations(fn)
        fn_globals = fn.__globals__
        fn, args = self.create_args_for_root(fn, is_module, concrete_args)
        cache: dict[str, Any] = {}
        original_getattr = Module.__getattr__
        original_call = Module.__call__
        tracer = self

        @functools.wraps(original_getattr)
        def module_getattr(mod: Any, attr: str) -> Any:
            return tracer.getattr(attr, original_getattr(mod, attr), cache)

        @functools.wraps(original_call)
        def module_call(mod: Any, *args: Any, **kwargs: Any) -> Any:
            def forward(*args: Any, **kwargs: Any) -> Any:
                return original_call(mod, *args, **kwargs)

            _autowrap_check(
                patches,
                getattr(getattr(mod, "forward", mod), "__globals__", {}),
                tracer._autowrap_function_ids,
            )
            return tracer.call_module(mod, forward, args, kwargs)

        with _Patches() as patches:
            patches.attribute(Module, "__getattr__", module_getattr)
            patches.attribute(Module, "__call__", module_call)
            _patch_wrapped_functions(patches)
            _autowrap_check(patches, fn_globals, self._autowrap_function_ids)
            for module in self._autowrap_search:
                _autowrap_check(patches, vars(module), self._autowrap_function_ids)
            result = self.create_arg(fn(*args))
            self.create_node("output", "output", (result,), {}, type_expr=annotations.get("return"))
        self.submodule_paths = None
        return self.graph

    def _collect_tensors(self, module: Any, prefix: list[str]) -> None:
        for name, value in vars(module).items():
            if isinstance(value, torch.Tensor):
                self.tensor_attrs[value] = ".".join([*prefix, name])
        for name, child in module.named_children():
            self._collect_tensors(child, [*prefix, name])

    def __deepcopy__(self, memo: dict) -> Tracer:
        made = Tracer.__new__(type(self))
        for name, value in self.__dict__.items():
            if name == "_autowrap_search":
                made.__dict__[name] = copy.copy(value)
            else:
                made.__dict__[name] = copy.deepcopy(value, memo)
        return made


_proxyable_classes: dict[type, None] = {}


class _Placeholders:
    """Makes the nodes of parameters, of which some have concrete values."""

    def __init__(
        self,
        tracer: Tracer,
        concrete: dict[str, Any],
        parameters: Any,
        annotations: dict[str, Any],
    ):
        self.tracer = tracer
        self.concrete = concrete
        self.parameters = parameters
        self.annotations = annotations

    def make(self, name: str) -> Any:
        """Return what stands for a parameter."""
        if name in self.concrete:
            return self._concrete(name, self.concrete[name])
        default: tuple = ()
        if name[0] != "*" and self.parameters[name].default is not inspect.Parameter.empty:
            default = (self.parameters[name].default,)
        return self.tracer.create_proxy(
            "placeholder", name, default, {}, type_expr=self.annotations.get(name)
        )

    def _concrete(self, name: str, value: Any) -> Any:
        count = 0

        def stand_in(each: Any) -> Any:
            nonlocal count
            count += 1
            default = self.parameters[name].default
            args = () if default is inspect.Parameter.empty else (default,)
            if isinstance(each, PHBase):
                made = self.tracer.create_proxy("placeholder", f"{name}_{count!s}", args, {})
                made.node.meta.update(vars(each))
                return made
            made = self.tracer.create_proxy("placeholder", f"{name}_{count!s}", args, {})
            self._assert_value(name, made, each)
            return each

        return pytree.tree_map(stand_in, value)

    def _assert_value(self, name: str, made: Any, value: Any) -> None:
        message = f"{name} has been specialized to have value {value} but got another value"
        if type(value) is bool or (
            type(value) in base_types and not isinstance(value, torch.Tensor)
        ):
            torch._assert(made == value, message)
        elif value is None:
            self.tracer.create_proxy("call_function", _assert_is_none, (made, message), {})
        else:
            warnings.warn(
                "Was not able to add assertion to guarantee correct input "
                f"{name} to "
                "specialized function. It is up to the user to make sure that your inputs match "
                "the inputs you specialized the function with.",
                stacklevel=4,
            )


def _assert_is_none(value: Any, msg: str) -> None:
    if value is not None:
        raise AssertionError(msg)


def symbolic_trace(root: Any, concrete_args: dict[str, Any] | None = None) -> GraphModule:
    """Return a module that does what a module or function does, with the graph of it.

    Args:
        root: the module or function.
        concrete_args: values that parameters have, by name.
    """
    tracer = Tracer()
    graph = tracer.trace(root, concrete_args)
    name = root.__class__.__name__ if isinstance(root, Module) else root.__name__
    return _make_graph_module(tracer.root, graph, name)


__getattr__ = _absent.attributes(__name__)
