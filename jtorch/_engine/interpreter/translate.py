"""From a pure JAX function to a function of NumPy arrays: its jaxpr, one NumPy call an equation.

The translation is Python source, compiled once: local variables are quicker than a table, and an
array that is not used any more is dropped at once (``del``). Functions inside of the function
(``jit``, ``custom_jvp_call``, ...) are written out in line; what no result depends on is left out,
what depends on constants alone is computed here. Bodies of loops and branches become functions of
their own, which a Python loop calls. A primitive without a rule is run by XLA, one cached
executable for each form of it.
"""

from __future__ import annotations

import functools
import math
import types
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jax.extend import core as jax_core

from ..graph.equations import CALLS, terms_of
from .rules import RULES, SAME
from .rules.base import by_xla
from .symbolic import Numbers, Watch

#: Bytes of a constant that is computed once and kept.
_LARGEST_CONSTANT = 1 << 16

#: How often each primitive without a rule was translated, for statistics and tests.
without_rule: dict[str, int] = {}


class Translation:
    """A function of NumPy arrays that gives a tuple of arrays.

    Attributes:
        function: the function.
        calls: NumPy calls that it consists of.
        cost: what they are estimated to cost, in microseconds.
    """

    __slots__ = ("function", "calls", "cost")

    def __init__(self, function: Callable, calls: int, cost: float):
        self.function = function
        self.calls = calls
        self.cost = cost


def translate(jaxpr: Any, consts: Sequence[Any] = ()) -> Translation:
    """Return what a jaxpr is in NumPy."""
    writer = _Writer()
    code, calls, cost = writer.write(jaxpr, consts)
    return Translation(types.FunctionType(code, writer.globals), calls, cost)


class _Dependent(NamedTuple):
    """A constant of a translation that follows from the sizes.

    Attributes:
        name: what the translation calls it.
        equation: of which it is the kernel, with names for sizes.
        operands: the constants that the kernel is applied to, where its result is the constant.
    """

    name: str
    equation: Any
    operands: list[str] | None


class Recipe:
    """The translation of a jaxpr that was traced with names for sizes, for any of them.

    What it is in NumPy is the same for all sizes, but for the kernels that look at them.

    Args:
        jaxpr: the jaxpr, with names for sizes (see ``symbolic``).
        consts: its constants.
        sizes: of which all kernels are made, to see which of them look at sizes.
    """

    __slots__ = ("code", "globals", "dependents", "calls", "cost", "elements", "jaxpr")

    def __init__(self, jaxpr: Any, consts: Sequence[Any], sizes: Sequence[int]):
        watch = Watch()
        numbers = Numbers(sizes, watch)
        writer = _Writer(watch)
        self.jaxpr = jaxpr
        self.code, self.calls, self.cost = writer.write(numbers.jaxpr(jaxpr), consts)
        self.globals = writer.globals
        used = {name for line in writer.kept for name in (line.function, *line.operands)}
        used.update(writer.results)
        self.dependents: list[_Dependent] = []
        for dependent in reversed(writer.dependents):
            if dependent.name in used:
                used.update(dependent.operands or ())
                self.dependents.append(dependent)
        self.dependents.reverse()
        self.elements = self.size(numbers)
        watch.over = True

    def size(self, numbers: Numbers) -> int:
        """Return how many elements go in and out."""
        atoms = (*self.jaxpr.invars, *self.jaxpr.outvars)
        return sum([math.prod(numbers.shape(atom.aval.shape)) for atom in atoms]) + 1

    def translation(self, numbers: Numbers) -> Translation:
        """Return the translation for some sizes."""
        made = dict(self.globals)
        for name, symbolic, operands in self.dependents:
            kernel = _kernel(numbers.equation(symbolic))
            if operands is None:
                made[name] = kernel
            else:
                with np.errstate(all="ignore"):
                    made[name] = kernel(*[made[operand] for operand in operands])
        calls = _NUMPY * self.calls
        cost = calls + max(0.0, self.cost - calls) * self.size(numbers) / self.elements
        return Translation(types.FunctionType(self.code, made), self.calls, cost)


class _Line:
    """A call: the names of its results, the function's and those of its operands."""

    __slots__ = ("outputs", "function", "operands", "several", "cost")

    def __init__(
        self, outputs: list[str], function: str, operands: list[str], several: bool, cost: float
    ):
        self.outputs = outputs
        self.function = function
        self.operands = operands
        self.several = several
        self.cost = cost

    def __str__(self) -> str:
        call = f"{self.function}({', '.join(self.operands)})"
        if not self.several:
            return f"{self.outputs[0]} = {call}"
        return f"{', '.join(self.outputs)}, = {call}" if self.outputs else call


class _Writer:
    """Writes the source of one function.

    Attributes:
        globals: its constants: kernels and arrays.
        watch: what notes that a kernel looked at a size that has a name, if anything does.
        dependents: the constants that follow from such sizes.
        kept: the lines of the function.
        results: the names of what it returns.
    """

    def __init__(self, watch: Watch | None = None) -> None:
        self.globals: dict[str, Any] = {}
        self.watch = watch
        self.dependents: list[_Dependent] = []
        self.varying: set[str] = set()
        self.lines: list[_Line] = []
        self.kept: list[_Line] = []
        self.results: list[str] = []
        self.variables = 0

    def write(self, jaxpr: Any, consts: Sequence[Any]) -> tuple[types.CodeType, int, float]:
        """Return the code of the function, how many calls it makes, and what they cost."""
        names: dict[Any, str] = {}
        parameters = []
        for variable in jaxpr.invars:
            names[variable] = self.variable()
            parameters.append(names[variable])
        results = self.results = self.body(jaxpr, consts, names)
        lines = self.kept = self.needed(results)
        source = [f"def run({', '.join(parameters)}):"]
        kept = {*results, *self.globals}
        last = {
            name: at for at, line in enumerate(lines) for name in (*line.operands, *line.outputs)
        }
        ends: dict[int, list[str]] = {}
        for name, at in last.items():
            if name not in kept:
                ends.setdefault(at, []).append(name)
        for at, line in enumerate(lines):
            source.append(f"    {line}")
            if at in ends and at + 1 < len(lines):
                source.append(f"    del {', '.join(ends[at])}")
        source.append(f"    return ({', '.join(results)}{',' if len(results) == 1 else ''})")
        return _code("\n".join(source)), len(lines), sum(line.cost for line in lines)

    def needed(self, results: Sequence[str]) -> list[_Line]:
        """Return the lines that the results depend on."""
        wanted = set(results)
        lines = []
        for line in reversed(self.lines):
            if not line.outputs or not wanted.isdisjoint(line.outputs):
                wanted.update(line.operands)
                lines.append(line)
        lines.reverse()
        return lines

    def variable(self) -> str:
        self.variables += 1
        return f"v{self.variables}"

    def constant(self, value: Any) -> str:
        name = f"c{len(self.globals)}"
        self.globals[name] = value
        return name

    def body(self, jaxpr: Any, consts: Sequence[Any], names: dict[Any, str]) -> list[str]:
        """Write the equations of a jaxpr; return the names of its results."""
        for variable, value in zip(jaxpr.constvars, consts, strict=True):
            names[variable] = self.constant(np.asarray(value))
        for equation in jaxpr.eqns:
            self.equation(equation, names)
        return [self.name(atom, names) for atom in jaxpr.outvars]

    def name(self, atom: Any, names: dict[Any, str]) -> str:
        if isinstance(atom, jax_core.Literal):
            aval: Any = atom.aval
            return self.constant(np.asarray(atom.val, dtype=aval.dtype))
        return names[atom]

    def equation(self, equation: Any, names: dict[Any, str]) -> None:
        primitive = equation.primitive
        operands = [self.name(atom, names) for atom in equation.invars]
        inlined = CALLS.get(primitive.name)
        if inlined is not None or primitive.name == "custom_linear_solve":
            if inlined is not None:
                inner = equation.params[inlined]
            else:
                inner, operands = _solver(equation, operands)
            jaxpr, consts = getattr(inner, "jaxpr", inner), getattr(inner, "consts", ())
            own = dict(zip(jaxpr.invars, operands, strict=True))
            results = self.body(jaxpr, consts, own)
            for variable, result in zip(equation.outvars, results, strict=True):
                names[variable] = result
            return
        watch = self.watch
        if watch is not None:
            watch.touched = False
        function = _kernel(equation)
        varies = watch is not None and (watch.touched or _is_never_fixed(equation))
        if function is SAME and not varies:
            names[equation.outvars[0]] = operands[0]
            return
        if not equation.effects and self.folded(equation, function, operands, names, varies):
            return
        outputs = []
        for variable in equation.outvars:
            names[variable] = self.variable()
            outputs.append(names[variable])
        several = primitive.multiple_results
        name = self.constant(function)
        if varies:
            self.dependents.append(_Dependent(name, equation.symbolic, None))
        self.lines.append(_Line(outputs, name, operands, several, _cost_of(equation)))

    def folded(
        self,
        equation: Any,
        function: Callable,
        operands: list[str],
        names: dict[Any, str],
        varies: bool,
    ) -> bool:
        """Compute what depends on constants alone, unless that is much work."""
        if equation.primitive.multiple_results or not all(o in self.globals for o in operands):
            return False
        variable = equation.outvars[0]
        values = [self.globals[operand] for operand in operands]
        spread = equation.primitive.name in ("broadcast_in_dim", "iota", "reshape")
        sizes = [variable.aval.size * variable.aval.dtype.itemsize]
        sizes += [getattr(value, "nbytes", 0) for value in values]
        if not spread and max(sizes) > _LARGEST_CONSTANT:
            return False
        with np.errstate(all="ignore"):
            name = names[variable] = self.constant(function(*values))
        if varies or not self.varying.isdisjoint(operands):
            self.varying.add(name)
            self.dependents.append(_Dependent(name, equation.symbolic, operands))
        return True


def _solver(equation: Any, operands: list[str]) -> tuple[Any, list[str]]:
    """Return what solves a linear system, and its operands among those of the equation."""
    lengths = equation.params["const_lengths"]
    first = lengths.matvec + lengths.vecmat
    return (
        equation.params["jaxprs"].solve,
        [*operands[first : first + lengths.solve], *operands[sum(lengths) :]],
    )


def _kernel(equation: Any) -> Callable:
    """Return the function of arrays that an equation is."""
    name = equation.primitive.name
    control = _CONTROL.get(name)
    if control is not None:
        return control(equation)
    rule = RULES.get(name)
    function = None if rule is None else rule(equation)
    if function is None:
        without_rule[name] = without_rule.get(name, 0) + 1
        function = by_xla(equation)
    return function


def _is_never_fixed(equation: Any) -> bool:
    """Tell whether an equation is taken to depend on sizes without looking."""
    return equation.primitive.name in _CONTROL or equation.primitive.name not in RULES


#: Microseconds: of a call of NumPy or of XLA, of an element, of a multiplication in a product of
#: matrices and in a convolution.
_NUMPY, _XLA, _ELEMENT, _MULTIPLICATION, _CONVOLVED = 0.8, 40.0, 0.0008, 0.00004, 0.00024
#: Primitives that only look at an array in another way.
_VIEWS = frozenset(("broadcast_in_dim", "reshape", "squeeze", "expand_dims", "transpose", "slice"))


def cost_of_elements(elements: int) -> float:
    """Return what one call of NumPy on arrays of this size is estimated to cost."""
    return _NUMPY + elements * _ELEMENT


def _cost_of(equation: Any) -> float:
    """Return what an equation is estimated to cost."""
    name, params = equation.primitive.name, equation.params
    if name in _VIEWS:
        return _NUMPY
    elements = sum(math.prod(variable.aval.shape) for variable in equation.outvars)
    terms = terms_of(equation)
    if terms:
        call = _NUMPY if name in RULES else _XLA
        each = _CONVOLVED if name == "conv_general_dilated" else _MULTIPLICATION
        return call + elements * (_ELEMENT + terms * each)
    if name in _CONTROL:
        return _NUMPY * 20 * params.get("length", 10) + elements * _ELEMENT
    elements = max([elements, *[math.prod(atom.aval.shape) for atom in equation.invars]])
    return (_NUMPY if name in RULES else _XLA) + elements * _ELEMENT


def code_of(source: str, variables: dict[str, Any]) -> Callable:
    """Return the function ``run`` that a source defines, which sees these variables."""
    return types.FunctionType(_code(source), variables)


@functools.lru_cache(10_000)
def _code(source: str) -> types.CodeType:
    """Compile the source of a translation; the same operator of other sizes has the same one."""
    namespace: dict[str, Any] = {}
    exec(compile(source, "<jtorch interpreter>", "exec"), namespace)
    return namespace["run"].__code__


def _inner(closed: Any) -> Callable:
    """Translate the body of a loop or branch."""
    return translate(closed.jaxpr, closed.consts).function


def _while(equation: Any) -> Callable:
    params = equation.params
    test, body = _inner(params["cond_jaxpr"]), _inner(params["body_jaxpr"])
    first, second = params["cond_nconsts"], params["body_nconsts"]

    def run(*arrays: Any) -> Any:
        of_test, of_body = arrays[:first], arrays[first : first + second]
        state = arrays[first + second :]
        while test(*of_test, *state)[0]:
            state = body(*of_body, *state)
        return state

    def run_batch(*arrays: Any) -> Any:
        of_test, of_body = arrays[:first], arrays[first : first + second]
        state: Any = arrays[first + second :]
        while np.any(going := test(*of_test, *state)[0]):
            changed = body(*of_body, *state)
            state = [
                np.where(going.reshape(going.shape + (1,) * (new.ndim - going.ndim)), new, old)
                for new, old in zip(changed, state, strict=True)
            ]
        return state

    # Under vmap each loop of a batch has a test of its own, and rests when that is false.
    return run_batch if params["cond_jaxpr"].jaxpr.outvars[0].aval.shape else run


def _cond(equation: Any) -> Callable:
    branches = [_inner(branch) for branch in equation.params["branches"]]
    last = len(branches) - 1

    def run(which: Any, *arrays: Any) -> Any:
        return branches[min(max(int(which), 0), last)](*arrays)

    return run


def _operands_of_scan(params: dict) -> tuple[int, int]:
    """Return how many operands of a scan are the same in every turn, and how many it carries."""
    if "num_carry" in params:
        return params["num_consts"], params["num_carry"]
    same, carried, _ = params["ft_in"].unpack()  # since JAX 0.12
    return len(same), len(carried)


def _scan(equation: Any) -> Callable:
    params = equation.params
    body = _inner(params["jaxpr"])
    length, backwards = params["length"], params["reverse"]
    consts, carried = _operands_of_scan(params)
    stacked = [variable.aval for variable in equation.outvars[carried:]]

    def run(*arrays: Any) -> Any:
        fixed, state = arrays[:consts], arrays[consts : consts + carried]
        rows = arrays[consts + carried :]
        results = [np.empty(aval.shape, aval.dtype) for aval in stacked]
        for turn in range(length - 1, -1, -1) if backwards else range(length):
            outputs = body(*fixed, *state, *[row[turn] for row in rows])
            state = outputs[:carried]
            for result, output in zip(results, outputs[carried:], strict=True):
                result[turn] = output
        return [*state, *results]

    return run


_CONTROL: dict[str, Callable[[Any], Callable]] = {
    "while": _while,
    "cond": _cond,
    "scan": _scan,
}
