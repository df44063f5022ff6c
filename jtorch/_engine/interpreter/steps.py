"""Translated functions, remembered by what they compute and the shapes that they are applied to."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..graph.tracing import tracing_for_numpy
from .symbolic import Form as Form
from .symbolic import Numbers, pattern_of, symbolic_forms
from .translate import Recipe, translate

#: Translations that are remembered before all are forgotten.
_MOST_TRANSLATIONS = 20_000

#: Microseconds of a step, besides its calls.
_STEP = 0.5


class Step:
    """A function of NumPy arrays that gives a sequence of arrays.

    Attributes:
        function: the function.
        forms: shapes and dtypes of its results.
        present: which of the results that were asked for are there; ``None`` where all are.
        calls: NumPy calls that it consists of.
        cost: what they are estimated to cost, in microseconds.
    """

    __slots__ = ("function", "forms", "present", "calls", "cost")

    def __init__(
        self,
        function: Callable,
        forms: list[Any],
        calls: int,
        cost: float,
        present: list[bool] | None = None,
    ):
        self.function = function
        self.forms = forms
        self.calls = calls
        self.cost = _STEP + cost
        self.present = None if present is None or all(present) else present


class _Family:
    """The translations of one function for operands whose shapes have the same pattern.

    Attributes:
        by_sizes: the translations, by the sizes of the pattern.
        recipe: what to make them of for other sizes; ``None`` where that was not tried yet,
            ``False`` where it failed.
        partly: recipes with names for some sizes only, each after the numbers and values of those
            that were the same in two sets of sizes.
        present: which of the results that were asked for are there.
    """

    __slots__ = ("by_sizes", "recipe", "partly", "present")

    def __init__(self) -> None:
        self.by_sizes: dict[tuple[int, ...], Step] = {}
        self.recipe: Any = None
        self.partly: list[tuple[dict[int, int], Any]] = []
        self.present: list[bool] = []


#: By what a function computes and the pattern of its operands' sizes.
_families: dict[Hashable, _Family] = {}
#: Translations kept now, those ever made, and those of them for which JAX traced nothing.
counts = {"kept": 0, "translated": 0, "without tracing": 0}


def translated(
    key: Hashable,
    function: Callable,
    forms: Sequence[Any],
    absent: Sequence[Any] = (),
    related: Callable[[list[Any]], list[Any]] | None = None,
) -> Step:
    """Return the translation of a function that gives a list of arrays, some perhaps ``None``.

    Args:
        key: what the function computes.
        function: of JAX arrays.
        forms: shapes and dtypes of its arguments.
        absent: those of further arguments, of which only the form is known: they are zeros.
        related: of forms with names for sizes, of all arguments: the same, where some sizes are
            written as what they are made of.
    """
    if counts["kept"] > _MOST_TRANSLATIONS:  # ever new sizes of one operator count too
        _families.clear()
        counts["kept"] = 0
    pattern, sizes = pattern_of([*forms, *absent])
    family = _families.get((key, pattern))
    if family is None:
        family = _families[key, pattern] = _Family()
    known = family.by_sizes.get(sizes)
    if known is None:
        counts["kept"] += 1
        counts["translated"] += 1

        def named(fixed: dict[int, int]) -> Any:
            """Return a recipe with names for the sizes that are not fixed, ``False`` without."""
            try:
                names = symbolic_forms(pattern, fixed)
                names = names if related is None else related(names)
                closed, family.present = _traced(function, names, len(forms))
                return Recipe(closed.jaxpr, closed.consts, sizes)
            except Exception:  # whatever a function says to sizes that are no numbers
                return False

        if family.by_sizes and family.recipe is None:
            family.recipe = named({})
        recipe = family.recipe or (family.by_sizes and _partly_named(family, sizes, named))
        if recipe:
            counts["without tracing"] += 1
            numbers, present = Numbers(sizes), family.present
            made = recipe.translation(numbers)
            outvars = recipe.jaxpr.outvars
            results = [Form(numbers.shape(a.aval.shape), a.aval.dtype) for a in outvars]
        else:
            closed, present = _traced(function, [*forms, *absent], len(forms))
            made = translate(closed.jaxpr, closed.consts)
            results = [Form(atom.aval.shape, atom.aval.dtype) for atom in closed.jaxpr.outvars]
        known = family.by_sizes[sizes] = Step(
            made.function, results, made.calls, made.cost, present
        )
    return known


def _partly_named(family: _Family, sizes: tuple[int, ...], named: Callable) -> Any:
    """Return a recipe in which the sizes that changed last have names, ``False`` if there is none.

    A function that compares the number of channels may well serve any number of examples.
    """
    for fixed, recipe in family.partly:
        if all(sizes[number] == size for number, size in fixed.items()):
            return recipe
    last = next(reversed(family.by_sizes))
    fixed = {number: size for number, size in enumerate(sizes) if size == last[number]}
    recipe = bool(fixed) and named(fixed)
    family.partly.append((fixed, recipe))
    return recipe


def _traced(function: Callable, forms: Sequence[Any], count: int) -> tuple[Any, list[bool]]:
    """Trace a function whose arguments are arrays up to a count, and zeros from there on."""
    present: list[bool] = []
    arguments = [jax.ShapeDtypeStruct(form.shape, form.dtype) for form in forms[:count]]
    with tracing_for_numpy():
        return jax.make_jaxpr(present_only(function, forms[count:], present))(*arguments), present


def present_only(function: Callable, absent: Sequence[Any], present: list[bool]) -> Callable:
    """Return a function without its arguments that are zeros and its results that are ``None``.

    Args:
        function: gives a sequence of arrays and ``None``.
        absent: the forms of its last arguments.
        present: is told which of the results are there, each time.
    """

    def run(*arrays: Any) -> list[Any]:
        results = function(*arrays, *[jnp.zeros(form.shape, form.dtype) for form in absent])
        present[:] = [result is not None for result in results]
        return [result for result in results if result is not None]

    return run
