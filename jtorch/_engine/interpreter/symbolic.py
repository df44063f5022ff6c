"""One trace of an operator for every size of its operands.

A program whose shapes grow (a sequence that gets a token longer each turn) would have each of its
operators traced again for each length, at a millisecond each. So an operator that is seen with a
second set of sizes is traced once more with names in the place of sizes (JAX's symbolic shapes);
equal sizes have one name. For each set of sizes the names are then replaced by numbers, only where
a rule of the interpreter looks at them: most do not, since NumPy takes whatever comes. Sizes up to
``_STRUCTURAL`` stay numbers: they are looked at as such (a pair of coordinates, a dimension to be
expanded).

Where an operator's function needs to know a size (it compares it, or its plan has worked something
out from it), JAX refuses to trace it with names, and it is traced for each set of sizes as ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax import export
from jax.extend import core as jax_core

_STRUCTURAL = 4

_DimExpr: type = type(export.symbolic_shape("a")[0])
#: That a named size is not structural answers many a comparison (``n - 2 >= 0``).
_scope = export.SymbolicScope([f"n{name} >= {_STRUCTURAL + 1}" for name in range(24)])
_names: list[Any] = []


def pattern_of(forms: Sequence[Any]) -> tuple[tuple, tuple[int, ...]]:
    """Return what shapes have in common with others, and the sizes that make the difference.

    Args:
        forms: what has shapes and dtypes.
    Returns:
        For each form its dtype and dimensions, a size as a string ``"0"``, ``"1"``, ...; and the
        sizes that these stand for.
    """
    sizes: dict[int, int] = {}
    pattern = []
    for form in forms:
        shape = tuple(
            [
                size if size <= _STRUCTURAL else f"{sizes.setdefault(size, len(sizes))}"
                for size in form.shape
            ]
        )
        pattern.append((form.dtype, shape))
    return tuple(pattern), tuple(sizes)


def symbolic_forms(pattern: tuple, fixed: dict[int, int]) -> list[Any]:
    """Return forms with names in the place of the sizes of a pattern.

    Args:
        fixed: sizes that stay numbers, by their number in the pattern.
    """

    def dim(size: Any) -> Any:
        if not isinstance(size, str):
            return size
        number = int(size)
        return fixed[number] if number in fixed else _name(number)

    forms = []
    for dtype, shape in pattern:
        forms.append(jax.ShapeDtypeStruct(tuple([dim(size) for size in shape]), dtype))
    return forms


def _name(number: int) -> Any:
    while len(_names) <= number:
        _names.extend(export.symbolic_shape(f"n{len(_names)}", scope=_scope))
    return _names[number]


class Form:
    """Shape and dtype of a variable."""

    __slots__ = ("shape", "dtype")

    def __init__(self, shape: tuple[int, ...], dtype: Any):
        self.shape = shape
        self.dtype = dtype

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


class Watch:
    """Notes whether a size that has a name was looked at.

    Attributes:
        over: whether all kernels are made; none may look at a size from there on.
    """

    __slots__ = ("touched", "over")

    def __init__(self) -> None:
        self.touched = self.over = False

    def touch(self) -> None:
        """Note that a size is looked at."""
        assert not self.over, "a kernel looks at a size that its rule did not look at"
        self.touched = True


class _WatchedForm:
    """Shape and dtype of a variable of which some sizes have names."""

    __slots__ = ("_shape", "dtype", "_watch")

    def __init__(self, shape: tuple[int, ...], dtype: Any, watch: Watch):
        self._shape = shape
        self.dtype = dtype
        self._watch = watch

    @property
    def shape(self) -> tuple[int, ...]:
        self._watch.touch()
        return self._shape

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


class _WatchedParams(dict):
    """Parameters of an equation of which some hold sizes that have names."""

    __slots__ = ("_sizes", "_watch")

    def __init__(self, params: dict[str, Any], sizes: frozenset[str], watch: Watch):
        super().__init__(params)
        self._sizes = sizes
        self._watch = watch

    def __getitem__(self, name: str) -> Any:
        if name in self._sizes:
            self._watch.touch()
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401  (watched)


class _Variable:
    __slots__ = ("aval",)

    def __init__(self, aval: Any):
        self.aval = aval


class _Equation:
    """An equation of a jaxpr with numbers for sizes; ``symbolic`` is the one with names."""

    __slots__ = ("primitive", "params", "invars", "outvars", "effects", "symbolic")

    def __init__(self, symbolic: Any, params: dict[str, Any], invars: list, outvars: list):
        self.primitive = symbolic.primitive
        self.params = params
        self.invars = invars
        self.outvars = outvars
        self.effects = symbolic.effects
        self.symbolic = symbolic


class _Jaxpr:
    """A jaxpr with numbers for sizes."""

    __slots__ = ("constvars", "invars", "outvars", "eqns")

    def __init__(self, constvars: list, invars: list, outvars: list, eqns: list):
        self.constvars = constvars
        self.invars = invars
        self.outvars = outvars
        self.eqns = eqns


class _Closed:
    __slots__ = ("jaxpr", "consts")

    def __init__(self, jaxpr: _Jaxpr, consts: Any):
        self.jaxpr = jaxpr
        self.consts = consts


class Numbers:
    """Replaces the names in what was traced with them.

    Args:
        sizes: the number for each name.
        watch: what to tell when a rule looks at one of them, if anything.
    """

    def __init__(self, sizes: Sequence[int], watch: Watch | None = None):
        self.sizes = sizes
        self.watch = watch
        self.by_name: dict[str, int] | None = None
        self.known: dict[Any, int] = {}

    def jaxpr(self, jaxpr: Any) -> _Jaxpr:
        """Return a jaxpr with numbers for names."""
        variables: dict[Any, Any] = {}

        def of(atom: Any) -> Any:
            if isinstance(atom, jax_core.Literal):
                return atom
            known = variables.get(atom)
            if known is None:
                known = variables[atom] = self.variable(atom)
            return known

        return _Jaxpr(
            [of(variable) for variable in jaxpr.constvars],
            [of(variable) for variable in jaxpr.invars],
            [of(atom) for atom in jaxpr.outvars],
            [
                _Equation(
                    equation,
                    self.params(equation.params),
                    [of(atom) for atom in equation.invars],
                    [of(variable) for variable in equation.outvars],
                )
                for equation in jaxpr.eqns
            ],
        )

    def equation(self, equation: Any) -> _Equation:
        """Return an equation with numbers for names, whose variables are no one else's."""
        return _Equation(
            equation,
            {name: self.value(value) for name, value in equation.params.items()},
            [self.variable(atom) for atom in equation.invars],
            [self.variable(variable) for variable in equation.outvars],
        )

    def variable(self, atom: Any) -> Any:
        """Return a variable; a number stays what it is."""
        if isinstance(atom, jax_core.Literal):
            return atom
        aval: Any = atom.aval
        shape = self.shape(aval.shape)
        if self.watch is not None and shape is not aval.shape:
            return _Variable(_WatchedForm(shape, aval.dtype, self.watch))
        return _Variable(Form(shape, aval.dtype))

    def params(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters of an equation."""
        made = {name: self.value(value) for name, value in params.items()}
        if self.watch is None:
            return made
        sizes = [name for name, value in made.items() if value is not params[name]]
        return _WatchedParams(made, frozenset(sizes), self.watch)

    def shape(self, shape: tuple) -> tuple[int, ...]:
        """Return a shape; the same object where it has no names."""
        for dim in shape:
            if dim.__class__ is _DimExpr:
                return tuple([self.size(d) if d.__class__ is _DimExpr else d for d in shape])
        return shape

    def size(self, dim: Any) -> int:
        """Return the number that a name, or what is computed from names, stands for."""
        known = self.known.get(dim)
        if known is None:
            if self.by_name is None:
                self.by_name = {f"n{number}": size for number, size in enumerate(self.sizes)}
            known = self.known[dim] = int(dim._evaluate(self.by_name))
        return known

    def value(self, value: Any) -> Any:
        """Return a parameter; the same object where it has no names."""
        cls = value.__class__
        if cls is list or isinstance(value, tuple):
            made = [self.value(item) for item in value]
            if all([new is old for new, old in zip(made, value, strict=True)]):
                return value
            return cls(*made) if hasattr(cls, "_fields") else cls(made)
        if cls is _DimExpr:
            return self.size(value)
        if cls is jax_core.ClosedJaxpr:
            return _Closed(self.jaxpr(value.jaxpr), value.consts)
        if cls is jax_core.Jaxpr:
            return self.jaxpr(value)
        return value
