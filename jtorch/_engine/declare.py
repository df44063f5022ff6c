"""The ``op`` decorator: declare an operator once; functions and methods derive from the entry."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from .._core.schema.schema import Schema
from .graph.op import REGISTRY, Op
from .memory import views
from .recording import record
from .recording.kinds import base as kinds
from .recording.signatures import CallSignature

#: Public callables by name: of ``torch.*`` and of ``Tensor.*``.
FUNCTIONS: dict[str, Callable] = {}
METHODS: dict[str, Any] = {}
#: Those of ``torch.nn.functional``.
NN_FUNCTIONS: dict[str, Callable] = {}
#: Those of ``torch.linalg``, ``torch.fft`` and ``torch.special``, under the names that PyTorch's
#: messages call them: with the namespace in front (``linalg_inv``).
LINALG_FUNCTIONS: dict[str, Callable] = {}
FFT_FUNCTIONS: dict[str, Callable] = {}
SPECIAL_FUNCTIONS: dict[str, Callable] = {}


class InPlace:
    """How the in-place form of an operator differs from the plain one.

    Args:
        saves, vjp, node_name: as for ``op``, where they are not those of the plain form.
        kind: how it is planned, where that is not as the plain form is.
    """

    def __init__(
        self,
        *,
        saves: Iterable[str] | str | None = None,
        vjp: Callable | None = None,
        node_name: str | None = None,
        kind: Any = None,
    ):
        self.saves = saves
        self.vjp = vjp
        self.node_name = node_name
        self.kind = kind


def op(
    *signatures: str,
    kind: Any,
    method: bool = True,
    function: bool = True,
    inplace: bool | InPlace = False,
    aliases: Iterable[str] = (),
    arity: str | None = None,
    name: str | None = None,
    inplace_function: bool | Iterable[str] = False,
    registry: dict[str, Callable] | None = None,
    **options: Any,
) -> Callable[[Callable], Op]:
    """Declare an operator.

    Args:
        *signatures: in PyTorch's argument language, the name first: ``"mul(Tensor input, Tensor
            other, *, Tensor out=None)"``. ``out`` there says that the form exists.
        kind: how it is planned, see ``kinds``.
        method, function, inplace: which forms PyTorch has; the in-place form gets a ``_``. Where
            it is differentiated in another way than the plain form, ``InPlace`` says how.
        aliases: other public names of the same operator.
        arity: ``"unary"`` or ``"binary"`` where that is how it is usually called (a faster
            recorder), ``"view"`` or ``"views"`` for one whose results share memory.
        name: public name where it is not that of the function.
        inplace_function: whether the in-place form is a function too (``torch.exp_``), or which of
            the names have one.
        registry: where the function goes instead of ``torch.*``.
        **options: see ``Op``.
    """

    def declare(pure: Callable) -> Op:
        public = name or signatures[0].partition("(")[0]
        bodies = tuple("(" + signature.partition("(")[2] for signature in signatures)
        entry = Op(public, bodies, pure, kind, **options)
        entry.method, entry.function_form, entry.inplace = method, function, bool(inplace)
        entry.out = any("out=None" in body or "Tensor out" in body for body in bodies)
        REGISTRY[public] = entry
        make = _MAKERS[arity]
        entry.call = _describe(make(entry, False), entry, public)
        if function:
            for each in (public, *aliases):
                (FUNCTIONS if registry is None else registry)[each] = entry.call
        if method:
            bound = _describe(make(entry, True), entry, public, method=True)
            for each in (public, *aliases):
                METHODS[each] = bound
        if inplace:
            names = (public, *aliases)
            functions = names if inplace_function is True else tuple(inplace_function or ())
            twin = inplace if isinstance(inplace, InPlace) else InPlace()
            _declare_inplace(entry, twin, names if method else (), functions)
        return entry

    return declare


_MAKERS: dict[str | None, Callable] = {
    None: record.make_general,
    "unary": record.make_unary,
    "binary": record.make_binary,
    "view": views.make_view,
    "views": views.make_views,
}


def _declare_inplace(
    entry: Op, options: InPlace, methods: Iterable[str], functions: Iterable[str]
) -> None:
    public = entry.name + "_"
    bodies = tuple(
        body.replace(", *, Tensor out=None)", ")").replace(", Tensor out=None)", ")")
        for body in entry.signatures
    )
    twin = Op(
        public,
        bodies,
        entry.function,
        kinds.Overwriting(options.kind or entry.kind, entry),
        static=entry.static,
        special=[number for _, number in entry.special],
        saves=entry.saves if options.saves is None else options.saves,
        vjp=options.vjp or entry.vjp,
        node_name=options.node_name or entry.node_name,
        kernel=entry.kernel,
        differentiable=entry.differentiable,
        dynamic=entry.extra_dynamic,
    )
    twin.call = _describe(record.make_inplace(twin), twin, public, method=True)
    REGISTRY[public] = twin
    for each in methods:
        METHODS[each + "_"] = twin.call
    as_function = _describe(record.make_inplace(twin, False), twin, public)
    for each in functions:
        FUNCTIONS[each + "_"] = as_function
    entry.inplace_twin = twin


def _describe(function: Callable, entry: Op, public: str, method: bool = False) -> Callable:
    function.__name__ = function.__qualname__ = public
    function.__signature__ = CallSignature(entry.schema, method)  # type: ignore[attr-defined]
    function.__doc__ = entry.__doc__
    function.__module__ = "torch"
    return function


def composite(
    *signatures: str,
    method: bool = True,
    function: bool = True,
    aliases: Iterable[str] = (),
    registry: dict[str, Callable] | None = None,
) -> Callable[[Callable], Callable]:
    """Declare a function that is made of other operators, as PyTorch's composites are.

    Wrong arguments are refused with PyTorch's words, by the signatures.

    Args:
        *signatures: as for ``op``; the Python function takes the same parameters, the first one
            positionally.
        method, function, aliases: which public names it has.
        registry: where the function goes instead of ``torch.*``.
    """

    def declare(pure: Callable) -> Callable:
        public = signatures[0].partition("(")[0]
        schema = Schema(*signatures)
        plain = inspect.signature(pure)
        takes_anything = any(
            p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in plain.parameters.values()
        )

        def fits(args: tuple, kwargs: dict[str, Any]) -> bool:
            try:
                plain.bind(*args, **kwargs)
            except TypeError:
                return False
            return True

        def make(as_method: bool) -> Callable:
            # Whether so many arguments and these names are the Python function's own.
            known: dict[Any, bool] = {}

            @functools.wraps(pure)
            def call(*args, **kwargs):
                form = (len(args), *kwargs) if kwargs else len(args)
                fitting = known.get(form)
                if fitting is None:
                    fitting = known[form] = takes_anything or fits(args, kwargs)
                if fitting:
                    return pure(*args, **kwargs)
                _, bound = schema.bind(args[1:] if as_method else args, kwargs, as_method)
                bound.pop("out", None) if bound.get("out") is None else None
                if as_method:
                    return pure(args[0], **bound)
                return pure(**bound)

            call.__name__ = call.__qualname__ = public
            call.__module__ = "torch"
            call.__signature__ = CallSignature(schema, as_method)  # type: ignore[attr-defined]
            return call

        made = make(False)
        if function:
            target = FUNCTIONS if registry is None else registry
            for each in (public, *aliases):
                target[each] = made
        if method:
            bound_call = make(True)
            for each in (public, *aliases):
                METHODS[each] = bound_call
        return made

    return declare
