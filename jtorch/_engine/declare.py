"""The one way to declare an operator; functions, methods and policies derive from the entry.

``op`` takes PyTorch's signatures and decorates a pure JAX function (with a ``kind`` that plans it)
or a Python function made of other operators (without). ``publish`` gives a finished callable, one
that binds its own arguments, its public names. A name can be declared once.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .._core import structseq
from .._core.schema.schema import Schema
from .graph.op import REGISTRY, Op
from .memory import views
from .recording import autocast, overrides, record
from .recording.autocast import Autocast as Autocast
from .recording.composites import composite
from .recording.kinds import base as kinds
from .recording.out import POLICIES as OUT_POLICIES
from .recording.out import Out as Out
from .recording.overrides import Overridden
from .recording.refusals import refusal, refused_by
from .recording.signatures import CallSignature, make_binder


class Names(dict[str, Any]):
    """Public callables by name; a name is given once."""

    def __init__(self, namespace: str):
        super().__init__()
        self.namespace = namespace

    def declare(self, name: str, function: Any) -> None:
        """Give a callable a name.

        Raises:
            ValueError: the name is taken.
        """
        if name in self:
            raise ValueError(f"{self.namespace}.{name} is declared twice")
        self[name] = function


#: Public callables by name: of ``torch.*`` and of ``Tensor.*``.
FUNCTIONS = Names("torch")
METHODS = Names("torch.Tensor")
#: Python's operators: ``__add__`` and others.
PYTHON_OPERATORS = Names("torch.Tensor")
#: Those of ``torch.nn.functional``.
NN_FUNCTIONS = Names("torch.nn.functional")
#: Those of ``torch.linalg``, ``torch.fft`` and ``torch.special``, under the names that PyTorch's
#: messages call them: with the namespace in front (``linalg_inv``).
LINALG_FUNCTIONS = Names("torch.linalg")
FFT_FUNCTIONS = Names("torch.fft")
SPECIAL_FUNCTIONS = Names("torch.special")


class InPlace:
    """How the in-place form of an operator differs from the plain one.

    Args:
        saves, vjp, node_name: as for ``op``, where they are not those of the plain form.
        kind: how it is planned, where that is not as the plain form is.
        python: Python's operators that it is, such as ``__iadd__``.
    """

    def __init__(
        self,
        *,
        saves: Iterable[str] | str | None = None,
        vjp: Callable | None = None,
        node_name: str | None = None,
        kind: Any = None,
        python: Iterable[str] = (),
    ):
        self.saves = saves
        self.vjp = vjp
        self.node_name = node_name
        self.kind = kind
        self.python = python


def op(
    *signatures: str,
    kind: Any = None,
    method: bool = True,
    function: bool = True,
    inplace: bool | InPlace = False,
    aliases: Iterable[str] | dict[str, tuple[str, ...]] = (),
    arity: str | None = None,
    arguments: str = "types",
    name: str | None = None,
    inplace_function: bool | Iterable[str] = False,
    registry: Names | None = None,
    out: Out | None = None,
    autocast: str | Autocast | None = None,
    python: Iterable[str] = (),
    returns: str | None = None,
    foreach: str | dict[str, str] | None = None,
    numbers_as_tensors: bool = False,
    write: Callable[[Any, Any, str], Any] | None = None,
    wrap: Callable[[Callable], Callable] | None = None,
    remembered: bool = False,
    **options: Any,
) -> Callable[[Callable], Any]:
    """Declare an operator.

    Args:
        *signatures: in PyTorch's argument language, the name first: ``"mul(Tensor input, Tensor
            other, *, Tensor out=None)"``. ``out`` there says that the form exists.
        kind: how it is planned, see ``kinds``; the decorated function is then a pure one over
            arrays. Without a kind it is made of other operators, over tensors.
        method, function, inplace: which forms PyTorch has; the in-place form gets a ``_``. Where
            it is differentiated in another way than the plain form, ``InPlace`` says how.
        aliases: other public names of the same operator; a dict gives the signatures, without the
            name, of those that PyTorch declares with others.
        arity: ``"unary"`` or ``"binary"`` where that is how it is usually called (a faster
            recorder), ``"view"`` or ``"views"`` for one whose results share memory.
        arguments: of one without a kind: bound by the signatures and remembered by their
            ``"types"``; or passed on as they are where their ``"count"`` and names fit.
        name: public name where it is not that of the function.
        inplace_function: whether the in-place form is a function too (``torch.exp_``), or which of
            the names have one.
        registry: where the function goes instead of ``torch.*``.
        out: rules of the ``out=`` form, where they are not the general ones.
        autocast: what autocast does to its operands.
        python: Python's operators that it is, such as ``__add__`` and ``__radd__``.
        returns: names of several results, separated by blanks.
        foreach: how ``torch._foreach_<name>`` calls it for each tensor of a list: ``"unary"``,
            ``"binary"`` or ``"ternary"``; a dict gives names that are not its own.
        numbers_as_tensors: whether its tensors may be given as Python numbers.
        write: of one without a kind: ``(out, result, name) -> out`` where ``out=`` is written in
            another way.
        wrap: makes the public function of the one that would be it, where it does more.
        remembered: of one without a kind: whether calls are remembered in the trie (see
            ``composites``), since it only records.
        **options: see ``Op``. With ``check_data`` the quick forms for two operands (``arity``
            ``"binary"``) do not look at what they are given, the others do.
    Returns:
        A decorator that gives the ``Op``; without a kind, the public function.
    """

    def declare(pure: Callable) -> Any:
        public = name or signatures[0].partition("(")[0]
        names = (public, *aliases)
        _declare_policies(names, out, autocast)
        if kind is None:
            schema = Schema(*signatures, numbers_as_tensors=numbers_as_tensors)
            if returns is not None:
                structseq.declare(public, returns, _has_out(signatures))
            bind = functools.partial(_composite, pure, public, schema, arguments, write)
            call = _publish(names, aliases, bind, method, function, registry, autocast, wrap,
                            remembered)  # fmt: skip
            for dunder in python:
                PYTHON_OPERATORS.declare(dunder, METHODS[public])
            return call
        bodies = tuple("(" + signature.partition("(")[2] for signature in signatures)
        if public in REGISTRY:
            raise ValueError(f"the operator {public} is declared twice")
        entry = Op(public, bodies, pure, kind, numbers_as_tensors=numbers_as_tensors, **options)
        entry.method, entry.function_form, entry.inplace = method, function, bool(inplace)
        entry.out = _has_out(signatures)
        entry.checks_operands = arity is None
        entry.foreach = {public: foreach} if isinstance(foreach, str) else foreach
        if returns is not None:
            entry.returns, entry.returns_out = structseq.declare(public, returns, entry.out)
        REGISTRY[public] = entry
        recorder = _RECORDERS[arity]

        def make(as_method: bool) -> Callable:
            return _describe(recorder(entry, as_method), entry, public, as_method)

        entry.call = _publish(names, aliases, make, method, function, registry, None, wrap)
        if method:
            overrides.set_face(entry, True, METHODS[public])
        overrides.set_face(entry, False, entry.call)
        for dunder in python:
            unary = arity == "unary"
            call = METHODS[public] if unary else record.make_operator(entry, dunder)
            if entry.check_data is not None and entry.checks_operands:
                call = record.checking(call, entry.check_data)
            PYTHON_OPERATORS.declare(dunder, call)
        if inplace:
            as_functions = names if inplace_function is True else tuple(inplace_function or ())
            twin = inplace if isinstance(inplace, InPlace) else InPlace()
            _declare_inplace(entry, twin, names if method else (), as_functions, aliases)
        return entry

    return declare


def publish(
    name: str,
    function: Callable | None = None,
    *,
    method: Any = None,
    registry: Names | None = None,
    signatures: Iterable[str] | Op = (),
    refused: Sequence[str] = (),
    out: Out | None = None,
    autocast: str | Autocast | None = None,
    returns: str | None = None,
    remembered: bool = False,
) -> Any:
    """Give a callable that binds its own arguments its public names.

    Args:
        name: the name.
        function: what ``torch.<name>`` is, where there is such a function.
        method: what ``Tensor.<name>`` is, where there is such a method (or property).
        registry: where the function goes instead of ``torch.*``.
        signatures: what ``inspect.signature`` shows, in PyTorch's argument language without the
            name, or the operator whose signature it is; by default what can be seen of the callable
            itself.
        refused: the signatures in whose words wrong arguments are refused, where PyTorch's function
            is written in C++; as ``signatures``.
        out, autocast, returns: as for ``op``.
        remembered: whether calls are remembered in the trie (see ``composites``): the function
            only records.
    Returns:
        The public function; the method where there is no function.
    """
    _declare_policies((name,), out, autocast)
    if returns is not None:
        structseq.declare(name, returns, out=True)
    if refused:
        function = function and refused_by(function, name, refused)
        if callable(method):
            method = refused_by(method, name, refused, as_method=True)
    # What Python's own refusals call them.
    if inspect.isfunction(function):
        function.__qualname__ = name
    own = not refused and inspect.isfunction(method) and function is not method
    if own and method.__qualname__ in (name, f"_{name}"):
        method.__qualname__ = f"Tensor.{name}"
    if function is not None:
        if name not in overrides.NOT_OVERRIDABLE:
            plain, function = function, overrides.overridable(function)
            if function is not plain:
                function.__name__ = name
            public = _aware(name, function, autocast)
            if remembered:
                public = composite(public)
            overrides.set_public(function, public)
            function = public
        else:
            function = _aware(name, function, autocast)
        (FUNCTIONS if registry is None else registry).declare(name, function)
    if method is not None:
        if callable(method):
            method = _aware(name, method, autocast)
            if remembered:
                method = composite(method)
        METHODS.declare(name, method)
    if signatures:
        if isinstance(signatures, Op):
            schema = signatures.schema
        else:
            schema = Schema(*(name + text for text in signatures))
        for call, as_method in ((method, True), (function, False)):
            if callable(call):
                vars(call)["__signature__"] = CallSignature(schema, as_method)
    return method if function is None else function


_RECORDERS: dict[str | None, Callable] = {
    None: record.make_general,
    "unary": record.make_unary,
    "binary": record.make_binary,
    "view": views.make_view,
    "views": views.make_views,
}


def _has_out(signatures: Iterable[str]) -> bool:
    return any("out=None" in signature or "Tensor out" in signature for signature in signatures)


def _declare_policies(
    names: Iterable[str], out: Out | None, casting: str | Autocast | None
) -> None:
    for each in names:
        if out is not None:
            OUT_POLICIES[each] = out
        if casting is not None:
            autocast.declare(each, casting)


def _aware(name: str, function: Callable, casting: str | Autocast | None) -> Callable:
    """Return a function that converts its arguments where autocast is on, if it has to."""
    return function if casting is None else autocast.converting(name, function)


_NAME_IN_MESSAGE = re.compile(r"^(TensorBase\.)?[\w.<>]+\(\)")


def under_name(
    call: Callable, name: str, signatures: Sequence[str] = (), as_method: bool = False
) -> Callable:
    """Return the same function under another name, which its messages bear too.

    Args:
        call: the function.
        name: its other name.
        signatures: those of the other name, where PyTorch declares it with others.
        as_method: whether it is a method.
    """
    schema = Schema(*[name + signature for signature in signatures]) if signatures else None

    @functools.wraps(call)
    def alias(*args: Any, **kwargs: Any) -> Any:
        if schema is None or len(args) < 3:  # a third means one thing here and another there
            try:
                return call(*args, **kwargs)
            except TypeError as error:
                if schema is None:
                    error.args = (_NAME_IN_MESSAGE.sub(f"\\g<1>{name}()", str(error), count=1),)
                    raise
        _, bound = schema.bind(args[1:] if as_method else args, kwargs, as_method)
        given = {key: value for key, value in bound.items() if value is not None}
        return call(*args[:as_method], **given)

    alias.__name__ = alias.__qualname__ = name
    return alias


def _publish(
    names: tuple[str, ...],
    aliases: Iterable[str] | dict[str, tuple[str, ...]],
    make: Callable[[bool], Callable],
    method: bool,
    function: bool,
    registry: Names | None,
    casting: str | Autocast | None,
    wrap: Callable[[Callable], Callable] | None,
    remembered: bool = False,
) -> Callable:
    """Make an operator's function and method, give them their names, and return the function."""

    def finished(as_method: bool) -> Callable:
        made = call = make(as_method)
        if wrap is not None:
            call = functools.wraps(call)(wrap(call))
            if not as_method:
                call = overrides.overridable(call)
        looking, call = call, _aware(names[0], call, casting)
        if remembered:
            call = composite(call)
        overrides.set_public(made, call)
        overrides.set_public(looking, call)
        return call

    call = finished(False)
    if function:
        for each in names:
            given = call
            if each != names[0]:
                given = overrides.overridable(under_name(call, each, _own(aliases, each)))
            (FUNCTIONS if registry is None else registry).declare(each, given)
    if method:
        bound = finished(True)
        for each in names:
            given = bound
            if each != names[0]:
                given = under_name(bound, each, _own(aliases, each), True)
            METHODS.declare(each, given)
    return call


def _own(aliases: Iterable[str] | dict[str, tuple[str, ...]], name: str) -> tuple[str, ...]:
    """Return the signatures that PyTorch declares a second name with, where they are others."""
    return aliases.get(name, ()) if isinstance(aliases, dict) else ()


def _without_out(signatures: Iterable[str]) -> tuple[str, ...]:
    """Return the signatures of an in-place form: those that have a tensor to write to."""
    return tuple(
        body.replace(", *, Tensor out=None)", ")").replace(", Tensor out=None)", ")")
        for body in signatures
        if not body.endswith("|function") and "(Scalar self" not in body
    )


def _declare_inplace(
    entry: Op,
    options: InPlace,
    methods: Iterable[str],
    functions: Iterable[str],
    aliases: Iterable[str] | dict[str, tuple[str, ...]],
) -> None:
    public = entry.name + "_"
    bodies = _without_out(entry.signatures)
    twin = Op(
        public,
        bodies,
        entry.function,
        kinds.Overwriting(options.kind or entry.kind, entry),
        static=entry.static,
        special=[number for _, number in entry.special],
        saves=entry.saves if options.saves is None else options.saves,
        keeps=entry.keeps,
        copies=entry.copies,
        vjp=options.vjp or entry.vjp,
        node_name=options.node_name or entry.node_name,
        kernel=entry.kernel,
        differentiable=entry.differentiable,
        dynamic=entry.extra_dynamic,
        numbers_as_tensors=entry.numbers_as_tensors,
        check_data=entry.check_data,
    )
    if public in REGISTRY:
        raise ValueError(f"the operator {public} is declared twice")
    twin.checks_operands = entry.checks_operands
    twin.call = _describe(record.make_inplace(twin), twin, public, True)
    REGISTRY[public] = twin
    overrides.set_face(twin, True, twin.call)
    for each in methods:
        own = each == entry.name
        given = twin.call
        if not own:
            given = under_name(given, each + "_", _without_out(_own(aliases, each)), True)
        METHODS.declare(each + "_", given)
    as_function = _describe(record.make_inplace(twin, False), twin, public, False)
    entry.inplace_function = as_function
    overrides.set_face(twin, False, as_function)
    for each in functions:
        own = each == entry.name
        FUNCTIONS.declare(
            each + "_",
            as_function if own else overrides.overridable(under_name(as_function, each + "_")),
        )
    for dunder in options.python:
        call = record.make_inplace_operator(twin, dunder)
        if entry.check_data is not None and entry.checks_operands:
            call = record.checking(call, entry.check_data)
        PYTHON_OPERATORS.declare(dunder, call)
    entry.inplace_twin = twin


def _describe(function: Callable, entry: Op, public: str, method: bool) -> Callable:
    function.__name__ = function.__qualname__ = public
    function.__signature__ = CallSignature(entry.schema, method)  # type: ignore[attr-defined]
    function.__doc__ = entry.__doc__
    function.__module__ = "torch"
    return function


def _composite(
    pure: Callable,
    public: str,
    schema: Schema,
    arguments: str,
    write: Callable[[Any, Any, str], Any] | None,
    as_method: bool,
) -> Callable:
    """Return the public form of a function made of other operators."""
    make = {"types": _bound_by_types, "count": _bound_by_count}[arguments]
    call = functools.wraps(pure)(make(pure, public, schema, write, as_method))
    call.__name__ = call.__qualname__ = public
    call.__module__ = "torch"
    call.__signature__ = CallSignature(schema, as_method)  # type: ignore[attr-defined]
    return call


def _bound_by_types(
    pure: Callable, public: str, schema: Schema, write: Callable | None, as_method: bool
) -> Callable:
    """The Python function gets the parameters by name, those not given left to its defaults."""
    bind = make_binder(schema, as_method)

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            bound = bind(args, kwargs)
        except Overridden as found:
            return overrides.dispatch_found(overrides.public(call), found, args, kwargs)
        out = bound.pop("out", None)
        result = pure(**bound)
        if out is None:
            return result
        if write is not None:
            return write(out, result, public)
        return record.write_results(out, result, public, bound.values())

    def inside(*args: Any, **kwargs: Any) -> Any:
        _, bound = schema.bind(args[1:] if as_method else args, kwargs, as_method)
        out = bound.pop("out", None)
        result = pure(args[0], **bound) if as_method else pure(**bound)
        if out is None:
            return result
        return record.write_results(out, result, public, bound.values())

    overrides.set_inside(call, inside)
    return call


def _bound_by_count(
    pure: Callable, public: str, schema: Schema, write: Callable | None, as_method: bool
) -> Callable:
    """The Python function gets what was given, where count and names are right for it."""
    plain = inspect.signature(pure)
    takes_anything = any(
        p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in plain.parameters.values()
    )
    # Whether this number of arguments and these names are the Python function's own.
    known: dict[Any, bool] = {}
    looks = not as_method  # a method's own class has looked
    is_plain = overrides.PLAIN.issuperset

    def fits(args: tuple, kwargs: dict[str, Any]) -> bool:
        try:
            plain.bind(*args, **kwargs)
        except TypeError:
            return False
        return True

    def call(*args: Any, **kwargs: Any) -> Any:
        if looks and not (
            is_plain(map(type, args)) and (not kwargs or is_plain(map(type, kwargs.values())))
        ):
            try:
                overrides.check(args, kwargs)
            except Overridden as found:
                return overrides.dispatch_found(overrides.public(call), found, args, kwargs)
        form = (len(args), *kwargs) if kwargs else len(args)
        fitting = known.get(form)
        if fitting is None:
            fitting = known[form] = takes_anything or fits(args, kwargs)
        if fitting:
            try:
                return pure(*args, **kwargs)
            except Exception:
                error = refusal(schema, args, kwargs, as_method)
                if error is None:
                    raise
            raise error
        _, bound = schema.bind(args[1:] if as_method else args, kwargs, as_method)
        if bound.get("out") is None:
            bound.pop("out", None)
        if as_method:
            return pure(args[0], **bound)
        return pure(**bound)

    return call
