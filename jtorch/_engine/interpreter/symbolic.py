"""One trace of an operator for every size of its operands.

A program whose shapes grow (a sequence that gets a token longer each turn) would have each of its
operators traced again for each length, at a millisecond each. So an operator that is seen with a
second set of sizes is traced once more with names in the place of sizes (JAX's symbolic shapes);
equal sizes have one name. For each set of sizes the names are then replaced by numbers, which takes
some microseconds an equation. Sizes up to ``_STRUCTURAL`` stay numbers: they are looked at as such
(a pair of coordinates, a dimension to be expanded).

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
_scope = export.SymbolicScope()
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


def symbolic_forms(pattern: tuple) -> list[Any]:
    """Return forms with names in the place of the sizes of a pattern."""
    forms = []
    for dtype, shape in pattern:
        dims = [_name(int(size)) if isinstance(size, str) else size for size in shape]
        forms.append(jax.ShapeDtypeStruct(tuple(dims), dtype))
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


class _Variable:
    __slots__ = ("aval",)

    def __init__(self, aval: Form):
        self.aval = aval


class _Equation:
    """An equation of a jaxpr with numbers for sizes."""

    __slots__ = ("primitive", "params", "invars", "outvars", "effects")

    def __init__(
        self, primitive: Any, params: dict[str, Any], invars: list, outvars: list, effects: Any
    ):
        self.primitive = primitive
        self.params = params
        self.invars = invars
        self.outvars = outvars
        self.effects = effects


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


def with_sizes(jaxpr: Any, sizes: Sequence[int]) -> Any:
    """Return a jaxpr that was traced with names, with numbers in their place."""
    return _Numbers({f"n{number}": size for number, size in enumerate(sizes)}).jaxpr(jaxpr)


class _Numbers:
    def __init__(self, sizes: dict[str, int]):
        self.sizes = sizes

    def jaxpr(self, jaxpr: Any) -> _Jaxpr:
        variables: dict[Any, Any] = {}

        def of(atom: Any) -> Any:
            if isinstance(atom, jax_core.Literal):
                return atom
            known = variables.get(atom)
            if known is None:
                aval = atom.aval
                known = variables[atom] = _Variable(Form(self.shape(aval.shape), aval.dtype))
            return known

        return _Jaxpr(
            [of(variable) for variable in jaxpr.constvars],
            [of(variable) for variable in jaxpr.invars],
            [of(atom) for atom in jaxpr.outvars],
            [
                _Equation(
                    equation.primitive,
                    {name: self.value(value) for name, value in equation.params.items()},
                    [of(atom) for atom in equation.invars],
                    [of(variable) for variable in equation.outvars],
                    equation.effects,
                )
                for equation in jaxpr.eqns
            ],
        )

    def shape(self, shape: tuple) -> tuple[int, ...]:
        return tuple([self.size(dim) if dim.__class__ is _DimExpr else dim for dim in shape])

    def size(self, dim: Any) -> int:
        return int(dim._evaluate(self.sizes))

    def value(self, value: Any) -> Any:
        cls = value.__class__
        if cls is tuple or cls is list:
            return cls([self.value(item) for item in value])
        if cls is _DimExpr:
            return self.size(value)
        if cls is jax_core.ClosedJaxpr:
            return _Closed(self.jaxpr(value.jaxpr), value.consts)
        if cls is jax_core.Jaxpr:
            return self.jaxpr(value)
        return value
