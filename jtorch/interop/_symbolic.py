"""A program for every size of some dimensions, out of programs for several numbers.

What is recorded knows its sizes as numbers. So it is traced for several sets of numbers, and the
equations are compared: where a parameter, a constant or a literal differs, it follows from the
sizes, and a polynomial of them (for a float literal also the reciprocal of one, as in a mean) is
put in its place. The equations are then run once more with JAX's symbolic sizes. Each polynomial is
fitted to some of the sets and has to be right for the others; whatever is none is refused.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from .._engine.graph.equations import CALLS

_SPARE = 2  # sets of numbers that a polynomial is not fitted to


class Unsupported(ValueError):
    """What is computed depends on the sizes in a way that has no symbolic form."""


def _refuse(what: str) -> Unsupported:
    return Unsupported(
        f"jtorch.interop.export: {what} depends on the symbolic sizes otherwise than as a "
        "polynomial of them; export it with numbers for these sizes"
    )


class Sizes:
    """The symbolic sizes, and the numbers that stand for them.

    Args:
        symbols: the sizes, of ``jax.export.symbolic_shape``.
        start: a number near which those of the samples are.
    Attributes:
        samples: a tuple of numbers, one for each symbol, for each set.
    """

    def __init__(self, symbols: Sequence[Any], start: Sequence[int]):
        self.symbols = list(symbols)
        count = len(self.symbols)
        degrees = [d for d in itertools.product(range(3), repeat=count) if sum(d) <= 2]
        self._degrees = sorted(degrees, key=lambda degree: (sum(degree), degree))
        wanted = len(self._degrees) + _SPARE
        wanted = len(self._degrees) + _SPARE
        for seed in itertools.count():
            # Different numbers for each symbol, of both parities, neither 0 nor 1.
            generator = np.random.default_rng(seed)
            columns = [max(s, 2) + generator.permutation(wanted + 3)[:wanted] for s in start]
            self.samples = [tuple(map(int, row)) for row in zip(*columns, strict=True)]
            rows = [[self._term(degree, each) for degree in self._degrees] for each in self.samples]
            self._matrix = np.array(rows, np.float64)
            fitted = self._matrix[: len(self._degrees)]
            if np.linalg.matrix_rank(fitted) == len(self._degrees):
                break

    @staticmethod
    def _term(degree: tuple[int, ...], values: Sequence[Any]) -> Any:
        product: Any = 1
        for power, value in zip(degree, values, strict=True):
            for _ in range(power):
                product = product * value
        return product

    def fit(self, numbers: Sequence[int], what: str) -> Any:
        """Return the polynomial of the symbols that gives these ints for the samples."""
        fitted = len(self._degrees)
        right = np.array(numbers, np.float64)
        solved = np.linalg.lstsq(self._matrix[:fitted], right[:fitted], rcond=None)[0]
        factors = [int(factor) for factor in np.rint(solved)]
        found = [
            sum(f * self._term(d, sample) for f, d in zip(factors, self._degrees, strict=True))
            for sample in self.samples
        ]
        if found != [int(number) for number in numbers]:
            raise _refuse(what)
        total: Any = 0
        for factor, degree in zip(factors, self._degrees, strict=True):
            if factor:
                total = total + factor * self._term(degree, self.symbols)
        return total


class _Varying:
    """A literal or constant that follows from the sizes: ``make()`` gives the array."""

    def __init__(self, make: Callable[[], Any]):
        self.make = make


def _same(values: Sequence[Any]) -> bool:
    first = values[0]
    try:
        return all(value is first or bool(value == first) for value in values[1:])
    except (ValueError, TypeError):
        return False


def _difference(first: Sequence[str], second: Sequence[str]) -> str:
    """Name the operations in which two programs differ."""
    more = Counter(first)
    more.subtract(Counter(second))
    return ", ".join(sorted(name for name, count in more.items() if count)) or "their order"


#: How a number may follow from a polynomial of the sizes, and how it is computed from that: counts,
#: means, the factors of unbiased variances, and scales by square roots.
_FORMS: tuple[tuple[Callable, Callable], ...] = (
    (lambda v: v, lambda n, xp: n),
    (lambda v: 1 / v, lambda n, xp: 1 / n),
    (lambda v: 1 / (v - 1), lambda n, xp: 1 + 1 / n),
    (lambda v: 1 / (1 - v), lambda n, xp: 1 - 1 / n),
    (lambda v: v * v, lambda n, xp: xp.sqrt(n)),
    (lambda v: 1 / (v * v), lambda n, xp: 1 / xp.sqrt(n)),
)


def _computed(back: Callable, size: Any) -> Any:
    return back(jnp.asarray(size), jnp)


class Merged:
    """A jaxpr with polynomials for what differs between those of the samples.

    Args:
        jaxprs: one for each sample, of the same equations.
        sizes: the symbols.
    """

    def __init__(self, jaxprs: Sequence[Jaxpr], sizes: Sizes):
        self._sizes = sizes
        self._first = jaxprs[0]
        names = [[equation.primitive.name for equation in jaxpr.eqns] for jaxpr in jaxprs]
        if not _same(names):
            other = next(each for each in names if each != names[0])
            raise _refuse(f"which operations are run ({_difference(names[0], other)})")
        self._equations: list[tuple[Any, dict[str, Any], list[Any]]] = []
        for equations in zip(*[jaxpr.eqns for jaxpr in jaxprs], strict=True):
            first = equations[0]
            where = first.primitive.name
            params = {
                name: self._merged([each.params[name] for each in equations], f"{where}'s {name}")
                for name in first.params
            }
            operands = [self._atom(atoms, where) for atoms in zip(*[e.invars for e in equations])]
            self._equations.append((first, params, operands))
        self._results = [
            self._atom(atoms, "a result") for atoms in zip(*[j.outvars for j in jaxprs])
        ]

    def _atom(self, atoms: Sequence[Any], what: str) -> Any:
        if not isinstance(atoms[0], Literal):
            return atoms[0]
        return self._array(
            [np.asarray(atom.val) for atom in atoms], f"a number of {what}", atoms[0]
        )

    def _array(self, arrays: Sequence[np.ndarray], what: str, otherwise: Any) -> Any:
        """Return a constant: as it is where it is the same, else how it follows from the sizes."""
        shapes = [array.shape for array in arrays]
        if _same(shapes) and all(np.array_equal(arrays[0], a, True) for a in arrays[1:]):
            return otherwise
        if len({len(shape) for shape in shapes}) > 1:
            raise _refuse(what)
        shape = self._merged(shapes, what)
        dtype = arrays[0].dtype
        if all((array == array.flat[0]).all() for array in arrays if array.size):
            number = self._number([array.flat[0] for array in arrays], what)
            return _Varying(lambda: jnp.full(shape, number(), dtype))
        steps = [self._progression(array) for array in arrays]
        if _same(steps) and steps[0] is not None:
            axis, first, step = steps[0]

            def progression() -> Any:
                counted = jax.lax.broadcasted_iota(np.int64, shape, axis)
                return (counted * step + first).astype(dtype)

            return _Varying(progression)
        raise _refuse(what)

    @staticmethod
    def _progression(array: np.ndarray) -> tuple[int, float, float] | None:
        """Return along which axis an array counts, from where and by what step."""
        for axis in range(array.ndim):
            line = np.moveaxis(array, axis, 0).reshape(array.shape[axis], -1)
            if (line == line[:, :1]).all() and len(line) > 1 and array.dtype.kind in "iuf":
                first, step = line[0, 0].item(), (line[1, 0] - line[0, 0]).item()
                if step and np.array_equal(line[:, 0], first + step * np.arange(len(line))):
                    return axis, first, step
        return None

    def _number(self, numbers: Sequence[Any], what: str) -> Callable[[], Any]:
        """Return how to compute a number: a constant, a polynomial or the reciprocal of one."""
        if _same(numbers):
            return lambda: numbers[0]
        plain = np.array(numbers, np.float64)
        precision = 4 * np.finfo(numbers[0].dtype).eps if numbers[0].dtype.kind == "f" else 0
        for whole_of, back in _FORMS:
            with np.errstate(all="ignore"):
                whole = np.rint(whole_of(plain))
                found = np.isfinite(whole).all() and (np.abs(whole) < 1 << 53).all()
                if not found or not (abs(back(whole, np) - plain) <= precision * abs(plain)).all():
                    continue
            try:
                size = self._sizes.fit([int(number) for number in whole], what)
            except Unsupported:
                continue
            return functools.partial(_computed, back, size)
        raise _refuse(what)

    def _merged(self, values: Sequence[Any], what: str) -> Any:
        """Return a parameter, with polynomials for the ints in it that differ."""
        first = values[0]
        if isinstance(first, ClosedJaxpr):
            return Closed(values, self._sizes)
        if isinstance(first, Jaxpr):
            return Merged(values, self._sizes)
        if _same(values):
            return first
        if isinstance(first, (int, np.integer)) and not isinstance(first, bool):
            return self._sizes.fit(values, what)
        if isinstance(first, (tuple, list)) and _same([len(value) for value in values]):
            made = [self._merged(each, what) for each in zip(*values, strict=True)]
            return type(first)(*made) if hasattr(first, "_fields") else type(first)(made)
        if isinstance(first, slice):
            parts = [
                self._merged(p, what) for p in zip(*[(v.start, v.stop, v.step) for v in values])
            ]
            return slice(*parts)
        if callable(first) or _same([repr(value) for value in values]):
            return first
        raise _refuse(what)

    @property
    def varies(self) -> bool:
        """Whether anything in it follows from the sizes."""
        return any(
            _is_symbolic(params) or any(isinstance(operand, _Varying) for operand in operands)
            for _, params, operands in self._equations
        )

    @property
    def plain(self) -> Jaxpr:
        """The jaxpr, where nothing in it varies."""
        return self._first

    def __call__(self, constants: Sequence[Any], *arrays: Any) -> list[Any]:
        """Run the equations."""
        known: dict[Any, Any] = dict(zip(self._first.constvars, constants, strict=True))
        known.update(zip(self._first.invars, arrays, strict=True))

        def read(atom: Any) -> Any:
            if isinstance(atom, _Varying):
                return atom.make()
            return atom.val if isinstance(atom, Literal) else known[atom]

        for equation, params, operands in self._equations:
            results = _run(equation, params, [read(operand) for operand in operands])
            known.update(zip(equation.outvars, results, strict=True))
        return [read(atom) for atom in self._results]


class Closed:
    """A closed jaxpr, merged as ``Merged`` is, with its constants.

    Args:
        closed: one for each sample.
        sizes: the symbols.
    """

    def __init__(self, closed: Sequence[ClosedJaxpr], sizes: Sizes):
        self._first = closed[0]
        self.merged = Merged([each.jaxpr for each in closed], sizes)
        self._constants = [
            self.merged._array([np.asarray(each) for each in constants], "a constant", constants[0])
            for constants in zip(*[each.consts for each in closed], strict=True)
        ]

    @property
    def varies(self) -> bool:
        """Whether anything in it follows from the sizes."""
        return self.merged.varies or any(isinstance(c, _Varying) for c in self._constants)

    @property
    def plain(self) -> ClosedJaxpr:
        """The closed jaxpr, where nothing in it varies."""
        return self._first

    def __call__(self, *arrays: Any) -> list[Any]:
        """Run it."""
        constants = [c.make() if isinstance(c, _Varying) else c for c in self._constants]
        return self.merged(constants, *arrays)


def _is_symbolic(value: Any) -> bool:
    if isinstance(value, (Merged, Closed)):
        return value.varies
    if isinstance(value, dict):
        return any(map(_is_symbolic, value.values()))
    if isinstance(value, (tuple, list)):
        return any(map(_is_symbolic, value))
    return jax.export.is_symbolic_dim(value)


def _settled(value: Any) -> Any:
    """Return a parameter with jaxprs as JAX has them; nothing in these varies."""
    if isinstance(value, (Merged, Closed)):
        if value.varies:
            raise _refuse("what an operation calls")
        return value.plain
    if isinstance(value, (tuple, list)) and any(isinstance(v, (Merged, Closed)) for v in value):
        return type(value)([_settled(each) for each in value])
    return value


def _run(equation: Any, params: dict[str, Any], arrays: list[Any]) -> list[Any]:
    name = equation.primitive.name
    inner = params.get(CALLS.get(name, ""))
    if isinstance(inner, Closed):
        return inner(*arrays)
    if isinstance(inner, Merged):
        return inner((), *arrays)
    loop = _LOOPS.get(name)
    if loop is not None and _is_symbolic(params):
        return loop(params, arrays)
    settled = {key: _settled(value) for key, value in params.items()}
    settled = equation.primitive.get_bind_params(settled)
    results = equation.primitive.bind(*arrays, **settled)
    return list(results) if equation.primitive.multiple_results else [results]


def _scan(params: dict[str, Any], arrays: list[Any]) -> list[Any]:
    constants, carried = params["num_consts"], params["num_carry"]
    body, first = params["jaxpr"], arrays[:constants]

    def step(carry: tuple, row: tuple) -> tuple[tuple, tuple]:
        results = body(*first, *carry, *row)
        return tuple(results[:carried]), tuple(results[carried:])

    start, rows = arrays[constants : constants + carried], arrays[constants + carried :]
    length = None if rows else params["length"]
    options = params["reverse"], params["unroll"]
    carry, made = jax.lax.scan(step, tuple(start), tuple(rows), length, *options)
    return [*carry, *made]


def _while(params: dict[str, Any], arrays: list[Any]) -> list[Any]:
    asked, stepped = params["cond_nconsts"], params["body_nconsts"]
    of_condition, of_body = arrays[:asked], arrays[asked : asked + stepped]
    return list(
        jax.lax.while_loop(
            lambda state: params["cond_jaxpr"](*of_condition, *state)[0],
            lambda state: tuple(params["body_jaxpr"](*of_body, *state)),
            tuple(arrays[asked + stepped :]),
        )
    )


def _cond(params: dict[str, Any], arrays: list[Any]) -> list[Any]:
    branches = [
        lambda *operands, run=branch: tuple(run(*operands)) for branch in params["branches"]
    ]
    return list(jax.lax.switch(arrays[0], branches, *arrays[1:]))


_LOOPS = {"scan": _scan, "while": _while, "cond": _cond}


def symbolic(function: Callable, forms: Sequence[Any], examples: Sequence[Any]) -> Callable:
    """Return a function that does for symbolic sizes what another does for numbers.

    Args:
        function: of arrays, returns a list of arrays.
        forms: shapes and dtypes of its arguments, with symbols for sizes.
        examples: shapes with numbers for them.
    Raises:
        ValueError: what it does depends on the sizes in another way than as a polynomial.
    """
    symbols: dict[Any, int] = {}
    for form, example in zip(forms, examples, strict=True):
        for size, number in zip(form.shape, example.shape, strict=True):
            if jax.export.is_symbolic_dim(size):
                symbols.setdefault(size, number)
    sizes = Sizes(list(symbols), list(symbols.values()))
    traced = []
    for sample in sizes.samples:
        numbers = dict(zip(symbols, sample, strict=True))
        shapes = [
            jax.ShapeDtypeStruct(tuple([numbers.get(d, d) for d in form.shape]), form.dtype)
            for form in forms
        ]
        traced.append(jax.make_jaxpr(function)(*shapes))
    return Closed(traced, sizes)
