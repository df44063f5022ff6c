"""Operator declarations: one entry, in one place, from which everything else is derived."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from ..._core.schema.schema import Schema
from .values import Meta

#: Every declared operator, by name.
REGISTRY: dict[str, Op] = {}


class Operand:
    """A tensor or Python number given to an operator, while it is being planned.

    Attributes:
        name: the parameter that it was given for.
        reference: where a program finds it (see ``Instruction.operands``); ``None`` for a number
            that is a constant of the program.
        meta: Meta of a tensor, ``None`` for a number.
        number: the Python number, ``None`` for a tensor. Only its type may decide anything, unless
            ``reference`` is ``None``.
    """

    __slots__ = ("name", "reference", "meta", "number")

    def __init__(self, name: str, reference: Any, meta: Meta | None, number: Any = None):
        self.name = name
        self.reference = reference
        self.meta: Any = meta  # a plan that asks for it knows that it has a tensor
        self.number = number


class Plan:
    """What planning an operator yields: the pure function and the metas of its results.

    Attributes:
        function: takes one array for each of ``operands``.
        operands: the operands that are arrays in the program.
        metas: metas of the results, without their part in differentiation.
        saves: positions in ``operands`` whose elements the gradient needs; ``None`` for the op's
            own rule.
        node_name, vjp, copies: override those of the op, see ``Op``.
        undefined: the results have a ``grad_fn``, but it gives no gradient at all.
    """

    __slots__ = (
        "function",
        "operands",
        "metas",
        "saves",
        "node_name",
        "vjp",
        "copies",
        "view",
        "put",
        "overwrites",
        "undefined",
    )

    def __init__(
        self,
        function: Callable,
        operands: list[Operand],
        metas: tuple[Meta, ...],
        saves: tuple[int, ...] | None = None,
        node_name: str | None = None,
        vjp: Callable | None = None,
        view: bool = False,
        put: Callable | None = None,
    ):
        self.function = function
        self.copies: tuple[str, ...] | None = None
        self.view = view
        self.overwrites = False
        self.undefined = False
        self.put = put
        self.operands = operands
        self.metas = metas
        self.saves = saves
        self.node_name = node_name
        self.vjp = vjp


class Spec:
    """What a call of an operator will yield, worked out from its arguments before anything runs.

    The pure function is the decorated one; it is called with one array for each of ``operands``
    and with ``params``.

    Args:
        operands: the operands that are arrays in the program, in the order of the pure function's
            positional parameters.
        metas: metas of the results, without their part in differentiation.
        params: keyword arguments of the pure function that are constants of the program.
        saves, vjp, node_name, copies: override those of the entry, see ``Op``; ``saves`` as
            positions in ``operands``.
        undefined: see ``Plan``.
    """

    __slots__ = ("operands", "metas", "params", "saves", "vjp", "node_name", "copies", "undefined")

    def __init__(
        self,
        operands: list[Operand],
        metas: Iterable[Meta],
        params: dict[str, Any] | None = None,
        *,
        saves: tuple[int, ...] | None = None,
        vjp: Callable | None = None,
        node_name: str | None = None,
        copies: tuple[str, ...] | None = None,
        undefined: bool = False,
    ):
        self.operands = operands
        self.metas = tuple(metas)
        self.params = params or {}
        self.saves = saves
        self.vjp = vjp
        self.node_name = node_name
        self.copies = copies
        self.undefined = undefined

    def plan(self, function: Callable) -> Plan:
        """Return the plan that runs a pure function with these operands and parameters."""
        if self.params:
            function = functools.partial(function, **self.params)
        plan = Plan(
            function,
            self.operands,
            self.metas,
            saves=self.saves,
            node_name=self.node_name,
            vjp=self.vjp,
        )
        plan.copies = self.copies
        plan.undefined = self.undefined
        return plan


#: A plan may call the pure function through a function of its own, ``partial(form, pure, ...)``:
#: what stands for such a form where the pure function is one of NumPy arrays.
HOST_FORMS: dict[Callable, Callable] = {}


def numbered(function: Callable, names: list[str], array: Any, *numbers: Any, **static: Any) -> Any:
    """Call a function of an array with arguments that change from call to call, by name."""
    if len(names) == 1:
        static[names[0]] = numbers[0]
        return function(array, **static)
    return function(array, **static, **dict(zip(names, numbers, strict=True)))


HOST_FORMS[numbered] = numbered
#: For a host function whose result is its first operand with other elements: one that writes there.
IN_PLACE: dict[Callable, Callable] = {}


def on_host(op: Any, function: Callable, rule: Callable | None) -> Callable | None:
    """Return a function of NumPy arrays that stands for what a plan calls.

    Args:
        op: the operator.
        function: of the plan.
        rule: what stands for the pure function.
    Returns:
        ``None`` where the plan calls the pure function in a way that is not known.
    """
    pure = getattr(op, "function", None)
    if rule is None or function is pure:
        return rule
    if function.__class__ is not functools.partial:
        return None
    if function.func is pure and not function.args:
        return functools.partial(rule, **function.keywords)
    form = HOST_FORMS.get(function.func)
    if form is None or not function.args or function.args[0] is not pure:
        return None
    return functools.partial(form, rule, *function.args[1:], **function.keywords)


def gradient_on_host(op: Any, function: Callable) -> Callable | None:
    """Return the gradient rule in NumPy of an operator as it was planned, see ``Op.host_vjp``."""
    rule: Callable | None = getattr(op, "host_vjp", None)
    if rule is None or on_host(op, function, rule) is None:
        return None
    if function.__class__ is not functools.partial:
        return rule
    if function.func is numbered:
        rule = functools.partial(_numbered_vjp, rule, function.args[1])
    return functools.partial(rule, **function.keywords)


def _numbered_vjp(
    rule: Any,
    names: list[str],
    cotangents: list,
    results: list,
    operands: list,
    wanted: tuple[int, ...],
    **static: Any,
) -> Any:
    """Apply a gradient rule, with the numbers among the operands by name."""
    numbers = dict(zip(names, operands[1:], strict=True))
    return rule(cotangents, results, operands[:1], wanted, **static, **numbers)


class Kind(Protocol):
    """A family of operators that are planned alike (pointwise, reduction, view, ...)."""

    def plan(self, op: Op, bound: dict[str, Any], mode: Any) -> Plan:
        """Check the arguments and work out the results' metas.

        Args:
            op: the operator.
            bound: each parameter's value; tensors and numbers that are inputs of the program are
                ``Operand`` objects (in lists too).
            mode: the mode that the operator is recorded in.
        """
        ...


class Op:
    """A declared operator.

    Attributes:
        name: public name.
        function: the pure JAX function.
        kind: how it is planned.
        binder: checks and names the arguments of a call.
        method, function_form, inplace, out: which forms PyTorch has of it.
        static: parameters of number type that are constants of a program.
        extra_dynamic: parameters of int type that are inputs of a program all the same, since
            loops change them (an index).
        special: numbers that are constants of a program wherever they stand, since they select a
            better formulation (``x ** 2``).
        saves: names of the parameters whose elements the gradient needs, ``"cross"`` for a product
            (each one only for the other's gradient), and ``"result"``; ``None`` means all.
        keeps: what PyTorch saves beside that, though the gradient here is made without it: to
            overwrite it is refused. Names of parameters, ``"result"`` for the first result and
            ``"results"`` for all, each with the parameter whose gradient it is saved for, or
            ``None``.
        copies: names of the parameters, or ``"result"``, of which PyTorch saves a copy or something
            else: they may be overwritten.
        vjp: gradient rule, see ``Instruction.vjp``.
        node_name: class name of ``grad_fn``.
        kernel: the name that PyTorch's error messages call it.
        returns, returns_out: what several results are packed into; a plain tuple unless given.
        foreach: names among ``torch._foreach_*`` that call it for each tensor of a list, and how.
        numbers_as_tensors: whether its tensors may be given as Python numbers.
        check_data: ``(args, kwargs)``, looks at the elements of what a call is given and raises.
        host: a function of NumPy arrays that does the same, for the interpreter: it saves tracing
            ``function`` for each new form of the operands, and is made of fewer calls. ``True``
            where ``function`` itself takes NumPy arrays too.
        host_vjp: the gradient rule in NumPy, ``(cotangents, results, operands, wanted, **params)
            -> gradients``: as ``vjp``, for the operands at the positions ``wanted``, with the
            parameters of the pure function. It gives arrays of the shapes and dtypes of the
            operands.
        checks_operands: whether ``check_data`` is for every call, or only for those with arguments
            by name.
        call: the public function.
        inplace_twin: the operator of the in-place form, where there is one.
        inplace_function: what ``torch.<name>_`` is, where PyTorch has that.
        in_place: whether it is a view that its own tensor becomes (``t_``).
    """

    call: Callable
    inplace_twin: Op
    inplace_function: Callable

    def __init__(
        self,
        name: str,
        signatures: tuple[str, ...],
        function: Callable,
        kind: Kind,
        *,
        method: bool = True,
        function_form: bool = True,
        inplace: bool = False,
        out: bool = False,
        static: Iterable[str] = (),
        special: Iterable[Any] = (),
        saves: Iterable[str] | str | None = None,
        keeps: dict[str, str | None] | None = None,
        copies: tuple[str, ...] = (),
        vjp: Callable | None = None,
        node_name: str | None = None,
        kernel: str | None = None,
        differentiable: bool = True,
        dynamic: Iterable[str] = (),
        returns: Callable | None = None,
        numbers_as_tensors: bool = False,
        host: Callable | bool | None = None,
        check_data: Callable[[tuple, dict], None] | None = None,
        host_vjp: Callable | None = None,
    ):
        self.name = name
        self.signatures = signatures
        self.function = function
        self.kind = kind
        self.method = method
        self.function_form = function_form
        self.inplace = inplace
        self.out = out
        self.special = frozenset((type(number), number) for number in special)
        self.saves = saves if saves is None or isinstance(saves, str) else tuple(saves)
        self.keeps = keeps or {}
        self.copies = copies
        self.vjp = vjp
        self.node_name = node_name or _node_name(name)
        self.kernel = kernel or f"{name}_cpu"
        self.differentiable = differentiable
        self.returns = returns
        self.returns_out: Callable | None = None
        self.foreach: dict[str, str] | None = None
        self.numbers_as_tensors = numbers_as_tensors
        self.host = function if host is True else host or None
        self.check_data = check_data
        self.checks_operands = True
        self.host_vjp = host_vjp
        self.schema = Schema(
            *(f"{name}{signature}" for signature in signatures),
            numbers_as_tensors=numbers_as_tensors,
        )
        self.in_place = False
        self.static = frozenset(static)
        self.extra_dynamic = frozenset(dynamic)
        self.__doc__ = function.__doc__

    @functools.cached_property
    def dynamic(self) -> frozenset[int | str]:
        """Positions and names of the parameters whose Python numbers are inputs of a program."""
        found: set[int | str] = set()
        for signature in self.schema.function_signatures:
            for position, parameter in enumerate(signature.parameters):
                if parameter.name in self.static:
                    continue
                if (
                    parameter.kind == "Scalar"
                    or parameter.name in self.extra_dynamic
                    or (parameter.kind == "Tensor" and parameter.numbers_as_tensors)
                ):
                    found.update((position, parameter.name))
        return frozenset(found)

    def is_input(self, place: int | str, number: Any) -> bool:
        """Return whether a Python number given there is an input of the program, not a constant.

        Args:
            place: position or name of the parameter.
            number: the number.
        """
        return place in self.dynamic and (number.__class__, number) not in self.special

    def __repr__(self) -> str:
        return f"<op {self.name}>"


def _node_name(name: str) -> str:
    """Return the backward node's class name: ``log_softmax`` gives LogSoftmaxBackward0."""
    return "".join(part[:1].upper() + part[1:] for part in name.strip("_").split("_")) + "Backward0"
