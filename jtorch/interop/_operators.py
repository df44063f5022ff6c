"""Functions of JAX as operators of tensors."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from .._core.device import Device
from .._core.dtypes import dtype as DType
from .._core.dtypes import float64
from .._engine.declare import op
from .._engine.execution import devices
from .._engine.graph.op import Spec
from .._engine.graph.values import is_tensor, make_meta
from .._engine.memory.from_host import fresh_tensor
from .._engine.memory.from_jax import dtype_of, from_jax, is_jax
from .._engine.recording.kinds.base import Custom
from ._arrays import is_leaf
from ._pure import as_jax

#: Signatures that an operator keeps what it traced for.
_MOST_RECORDINGS = 1024


class _Traced:
    """A function of JAX as it was traced for one form of its arguments.

    Attributes:
        shapes, dtypes: of its results.
        structure: of what it returns.
        node_name: class name of ``grad_fn``.
    """

    def __init__(self, closed: ClosedJaxpr, results: Any, node_name: str):
        leaves, self.structure = jax.tree.flatten(results)
        self.shapes = [tuple(leaf.shape) for leaf in leaves]
        self.dtypes: list[DType] = [dtype_of(leaf) for leaf in leaves]
        self.node_name = node_name
        self.run = jaxpr_as_fun(closed)
        #: Whether it holds values of a transformation of JAX that is under way.
        self.passing = any(isinstance(constant, Tracer) for constant in closed.consts)

    def __call__(self, arrays: tuple) -> tuple[Any, ...]:
        return tuple(
            [
                jnp.asarray(result, dtype._numpy)
                for result, dtype in zip(self.run(*arrays), self.dtypes, strict=True)
            ]
        )


def _spec(operation: Any, bound: dict[str, Any], mode: Any) -> Spec:
    traced, operands = bound["traced"], list(bound["tensors"])
    device = operands[0].meta.device if operands else bound["device"]
    metas = [
        make_meta(shape, dtype, device)
        for shape, dtype in zip(traced.shapes, traced.dtypes, strict=True)
    ]
    return Spec(operands, metas, {"traced": traced}, node_name=traced.node_name)


@op(
    "_of_jax(PyObject* traced, TensorList tensors, Device device)",
    kind=Custom(_spec),
    method=False,
    function=False,
)
def _of_jax(*arrays: Any, traced: _Traced) -> tuple[Any, ...]:
    """Apply a function of JAX."""
    return traced(arrays)


class JaxOperator:
    """A function of JAX that takes and returns tensors; what ``as_operator`` returns."""

    def __init__(self, function: Callable, name: str):
        self._function = function
        self._node_name = name[:1].upper() + name[1:] + "Backward0"
        self._known: dict[Any, _Traced] = {}
        functools.update_wrapper(self, function)
        self.__name__ = name

    def __repr__(self) -> str:
        return f"<operator {self.__name__} of a function of JAX>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves, structure = jax.tree.flatten((args, kwargs), is_leaf=is_leaf)
        device = next((leaf.device for leaf in leaves if is_tensor(leaf)), devices.default())
        tensors: list[Any] = []
        forms: list[tuple] = []
        for leaf in leaves:
            tensor = _as_tensor(leaf, device)
            if tensor is None:
                forms.append((type(leaf), leaf))
                continue
            tensors.append(tensor)
            if leaf.__class__ is float:
                forms.append((float, None))
            else:
                forms.append((tuple(tensor.shape), tensor.dtype._numpy))
        key = (structure, tuple(forms))
        traced = self._known.get(key)
        if traced is None:
            traced = self._trace(structure, forms)
            if not traced.passing:
                if len(self._known) >= _MOST_RECORDINGS:
                    self._known.clear()
                self._known[key] = traced
        if not traced.shapes:
            return jax.tree.unflatten(traced.structure, [])
        results = _of_jax.call(traced, tensors, device)
        results = results if isinstance(results, tuple) else (results,)
        return jax.tree.unflatten(traced.structure, results)

    def _trace(self, structure: Any, forms: list[tuple]) -> _Traced:
        places, avals = [], []
        leaves: list[Any] = [None] * len(forms)
        for at, (kind, what) in enumerate(forms):
            if kind is float:
                aval = jax.ShapeDtypeStruct((), np.float64, weak_type=True)
            elif isinstance(kind, tuple):
                aval = jax.ShapeDtypeStruct(kind, what)
            else:
                leaves[at] = what
                continue
            places.append(at)
            avals.append(aval)

        def function(*arrays: Any) -> Any:
            filled = list(leaves)
            for at, array in zip(places, arrays, strict=True):
                filled[at] = array
            args, kwargs = jax.tree.unflatten(structure, filled)
            return self._function(*args, **kwargs)

        closed, results = jax.make_jaxpr(function, return_shape=True)(*avals)
        return _Traced(closed, results, self._node_name)


def _as_tensor(leaf: Any, device: Device) -> Any:
    """Return an argument as a tensor; ``None`` for one that is a constant of the function."""
    if is_tensor(leaf):
        return leaf
    if leaf.__class__ is float:
        return fresh_tensor(np.array(leaf), float64, device)
    if is_jax(leaf):
        return from_jax(leaf).to(device)
    if isinstance(leaf, (np.ndarray, np.generic)):
        return from_jax(jnp.asarray(leaf)).to(device)
    return None


def as_operator(
    function: Callable, *, name: str | None = None, schema: str | None = None
) -> Callable:
    """Return a function of JAX as a function of tensors, recorded like any operator.

    It is traced once for each form of its arguments; what it computes becomes part of the program
    that is recorded, in every tier. Gradients of any order are JAX's, by the rules of
    ``jax.custom_vjp`` and ``jax.custom_jvp`` where it has such; ``torch.func`` transforms it.

    Args:
        function: a pure function of arrays, in containers that JAX knows: of ``jax.numpy``, a
            kernel of Pallas, the solver of another library. Tensors, arrays and Python floats are
            its arguments; ints, bools, strings and anything else are constants, which have to be
            hashable: with another one the function is traced once more.
        name: of the operator, that of the function unless given. ``"namespace::name"`` makes it
            ``torch.ops.namespace.name`` as well, as ``torch.library.custom_op`` does.
        schema: of that operator, such as ``"(Tensor x, float rate) -> Tensor"``.
    Returns:
        Function of the same arguments that returns tensors for arrays.
    Raises:
        TypeError: at a call, where an argument is a tracer or a result has a dtype that tensors do
            not have.

    Example:
        >>> import jax, jtorch as torch
        >>> from jtorch import interop
        >>> logsumexp = interop.as_operator(jax.nn.logsumexp)
        >>> x = torch.zeros(2, requires_grad=True)
        >>> logsumexp(x).backward()
        >>> x.grad
        tensor([0.5000, 0.5000])
    """
    namespace, _, short = (name or _name_of(function)).rpartition("::")
    operator = JaxOperator(function, short)
    if namespace:
        from ..library import Library

        if schema is None:
            raise ValueError(f"as_operator: the operator {name} needs a schema")
        library = Library(namespace, "FRAGMENT")
        library.define(short + schema)
        library.impl(short, operator)
    return operator


def _name_of(function: Callable) -> str:
    return getattr(function, "__name__", type(function).__name__).strip("<>")


_operators: weakref.WeakKeyDictionary[Callable, JaxOperator] = weakref.WeakKeyDictionary()


def call(function: Callable, /, *args: Any, **kwargs: Any) -> Any:
    """Call a function of JAX with tensors: ``as_operator(function)(*args, **kwargs)``.

    The operator is kept as long as the function is. A lambda that is written at the call is a new
    function each time, and traced each time.

    Example:
        >>> import jax.numpy as jnp, jtorch as torch
        >>> from jtorch import interop
        >>> interop.call(jnp.cumsum, torch.ones(3))
        tensor([1., 2., 3.])
    """
    try:
        operator = _operators.get(function)
        if operator is None:
            operator = _operators[function] = JaxOperator(function, _name_of(function))
    except TypeError:  # what has no weak references, or no hash
        operator = JaxOperator(function, _name_of(function))
    return operator(*args, **kwargs)


def transform(transformation: Callable, function: Callable, /, **options: Any) -> Callable:
    """Apply a transformation of JAX to a function of tensors; the result is one too.

    Args:
        transformation: ``jax.vmap``, ``jax.grad``, ``jax.checkpoint``, ``jax.jit`` or any function
            that takes a function of arrays and returns one.
        function: of tensors, see ``as_jax``.
        **options: of the transformation.
    Returns:
        Function of tensors, recorded as one operator and differentiable to any order.

    Example:
        >>> import jax, jtorch as torch
        >>> from jtorch import interop
        >>> outer = interop.transform(jax.vmap, lambda a, b: a * b, in_axes=(0, None))
        >>> outer(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
        tensor([[3., 4.],
                [6., 8.]])
    """
    pure = as_jax(function)
    made = JaxOperator(transformation(pure, **options), _name_of(function))
    functools.update_wrapper(made, function)
    return made


def jit(function: Callable) -> Callable:
    """Return a function of tensors that JAX traces and compiles: ``transform(jax.jit, function)``.

    What surrounds a call is recorded as ever, so that it is compiled together with it. The function
    itself runs once for each form of its arguments, as under ``jax.jit``.
    """
    return transform(jax.jit, function)
