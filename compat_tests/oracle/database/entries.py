"""One entry of the operator database, category by category.

Categories and their samples (``LIMITS``; evenly spread over what the entry yields, the first and
the last always among them, so that the choice is the same on every run):

=============  ====================================================================================
``forward``    values in float32, or in the first dtype that the entry has
``integer``    values in int64, and some samples in each other integer dtype and in bool
``gradient``   first gradients in float64, with one random cotangent for each result
``second``     gradients of those gradients, again with random cotangents; None counts as zeros
``half``       values in float16 and bfloat16
``complex``    values in complex64, gradients in complex128
``method``     the method form
``inplace``    the in-place form: value, identity and version of the tensor written to
``out``        ``out=`` of the right shape, of shape (0,), and of another dtype
``error``      the entry's error inputs: exception type and whole message
``form``       dtype, shape, strides, offset, flags and types of the results of ``forward``,
               ``integer``, ``half`` and ``complex``
``grad_fn``    the name of each result's ``grad_fn``
=============  ====================================================================================

Where PyTorch itself raises on a sample, jtorch must raise the same type.
"""

from __future__ import annotations

import contextlib
import random
import re
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_device_type import toleranceOverride
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils import _pytree as pytree

import jtorch
from compat_tests.helpers.tolerances import DATABASE, EXACT

from .comparing import Difference, differences
from .conversion import Converter, MissingError, OutOfScopeError, function, ours

#: In the order in which they are examined.
CATEGORIES = (
    "forward", "integer", "half", "complex", "gradient", "second", "method", "inplace", "out",
    "error", "form", "grad_fn",
)  # fmt: skip
#: The most samples of an entry for one dtype.
LIMITS = {
    "forward": 32, "integer": 16, "other integer": 3, "gradient": 16, "second": 6, "half": 8,
    "complex": 8, "complex gradient": 4, "method": 6, "inplace": 6, "out": 4,
}  # fmt: skip
#: Results whose values PyTorch leaves undefined.
UNDEFINED_VALUES = frozenset(
    (
        "empty", "empty_like", "empty_strided", "empty_permuted", "new_empty",
        "new_empty_strided", "resize_", "resize_as_",
    )
)  # fmt: skip
#: Entries whose results are unique only up to signs or phases. Where their values differ, they are
#: held against each other through what the sample makes of them, as in PyTorch's own tests.
UP_TO_PHASES = frozenset(
    ("linalg.eig", "linalg.eigh", "linalg.svd", "svd", "svd_lowrank", "pca_lowrank")
)
_OTHER_INTEGERS = (torch.int32, torch.uint8, torch.int8, torch.int16, torch.bool)
_KEPT_FAILURES = 8


def entry_name(op: Any) -> str:
    """Return the name of an entry, with its variant: ``norm.fro``."""
    return op.full_name


def entries() -> dict[str, Any]:
    """Return the entries of the database by name, in its order."""
    return {entry_name(op): op for op in op_db}


class Tally:
    """What one category of one entry came to."""

    def __init__(self) -> None:
        self.count = self.failed = self.skipped = self.soft = 0
        self.failures: list[str] = []

    def add(self, label: str, found: Iterable[str]) -> None:
        """Count one sample, with what was found wrong in it."""
        self.count += 1
        found = list(found)
        if found:
            self.failed += 1
            if len(self.failures) < _KEPT_FAILURES:
                self.failures.append(f"{label}: {'; '.join(found[:3])}"[:700])

    def result(self) -> dict[str, Any] | None:
        """Return the counts as a plain dictionary; None where there was nothing to count."""
        if not self.count and not self.skipped:
            return None
        return {
            "count": self.count,
            "failed": self.failed,
            "skipped": self.skipped,
            "soft": self.soft,
            "failures": self.failures,
        }


class Examination:
    """Runs the samples of one entry through both libraries.

    Args:
        op: the entry.
        categories: which ones to examine.
        limits: the most samples by category; 0 for all of them.
    """

    def __init__(self, op: Any, categories: Iterable[str], limits: dict[str, int]):
        self.op = op
        self.name = entry_name(op)
        self.limits = limits
        self.categories = set(categories)
        self.tallies = {category: Tally() for category in CATEGORIES}
        self.values = op.name not in UNDEFINED_VALUES
        self.tolerances = _tolerances(op)

    def run(self) -> Iterator[tuple[str, dict[str, Any] | None]]:
        """Examine step by step.

        Yields:
            (step, None) before a step, then (step, what each category came to in it).
        """
        steps = {
            "forward": self._forward,
            "integer": self._integer,
            "half": self._half,
            "complex": self._complex,
            "gradient": self._gradients,
            "second": self._second,
            "method": self._method,
            "inplace": self._inplace,
            "out": self._out,
            "error": self._errors,
        }
        for name in steps_of(self.categories):
            yield name, None
            self.tallies = {category: Tally() for category in CATEGORIES}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    steps[name]()
                except Exception as error:
                    self.tallies[name].add("harness", [f"could not go on: {_said(error)}"])
            results = {each: tally.result() for each, tally in self.tallies.items()}
            yield name, {each: result for each, result in results.items() if result is not None}

    # The categories

    def _forward(self) -> None:
        dtype = self._first_dtype()
        if dtype is not None:
            self._values("forward", dtype, self.limits["forward"])

    def _integer(self) -> None:
        supported = self.op.supported_dtypes("cpu")
        if torch.int64 in supported:
            self._values("integer", torch.int64, self.limits["integer"])
        for dtype in _OTHER_INTEGERS:
            if dtype in supported:
                self._values("integer", dtype, self.limits["other integer"])

    def _half(self) -> None:
        for dtype in (torch.float16, torch.bfloat16):
            if dtype in self.op.supported_dtypes("cpu"):
                self._values("half", dtype, self.limits["half"])

    def _complex(self) -> None:
        if torch.complex64 in self.op.supported_dtypes("cpu"):
            self._values("complex", torch.complex64, self.limits["complex"])
        if (
            self.op.supports_autograd
            and torch.complex128 in self.op.supported_backward_dtypes("cpu")
            and torch.complex128 in self.op.supported_dtypes("cpu")
        ):
            self._differentiate("complex", torch.complex128, self.limits["complex gradient"])

    def _gradients(self) -> None:
        if self._is_differentiable():
            self._differentiate("gradient", torch.float64, self.limits["gradient"])

    def _second(self) -> None:
        if self._is_differentiable() and self.op.supports_gradgrad:
            self._differentiate("second", torch.float64, self.limits["second"], second=True)

    def _method(self) -> None:
        method = self.op.get_method()
        if method is not None:
            for label, sample in self._samples("method", self._first_dtype()):
                if isinstance(sample.input, torch.Tensor):
                    self._compare("method", label, sample, method, _method_of(self.op))

    def _inplace(self) -> None:
        inplace = self.op.get_inplace()
        if inplace is None:
            return
        for label, sample in self._samples("inplace", self._first_dtype()):
            if isinstance(sample.input, torch.Tensor) and not sample.broadcasts_input:
                written, ours_of = _inplace_call(inplace), _inplace_of(self.op)
                self._compare("inplace", label, sample, written, _inplace_call(ours_of))

    def _out(self) -> None:
        if not self.op.supports_out:
            return
        for label, sample in self._samples("out", self._first_dtype()):
            try:
                shapes = _seeded(torch, self.op.get_op(), sample)
            except Exception:
                continue
            for form in ("right", "empty", "dtype"):
                pair = (_out_call(library, form, shapes) for library in (torch, jtorch))
                theirs, mine = pair
                self._compare(
                    "out",
                    f"{label} {form}",
                    sample,
                    theirs(self.op.get_op()),
                    lambda mine=mine: mine(function(self.op.get_op())),
                    lazily=True,
                )

    def _errors(self) -> None:
        if self.op.error_inputs_func is None:
            return
        _seed_samples(self.name)
        tally = self.tallies["error"]
        for number, error_input in enumerate(self.op.error_inputs("cpu")):
            sample = error_input.sample_input
            try:
                converted = _convert_sample(sample)  # before PyTorch writes to an ``out``
                mine = _function_of(self.op)
            except OutOfScopeError:
                tally.skipped += 1
                continue
            except Exception as error:
                tally.add(f"#{number}", [f"could not be set up: {_said(error)}"])
                continue
            expected = _attempt(torch, self.op.get_op(), sample)
            actual = _attempt(jtorch, mine, converted)
            found = _error_differences(expected, actual)
            if found and _matches(error_input, actual):
                tally.soft += 1
            tally.add(f"#{number}" + (_shown(sample) if found else ""), found)

    # Samples

    def _first_dtype(self) -> Any:
        supported = self.op.supported_dtypes("cpu")
        for dtype in (torch.float32, torch.float64, torch.complex64, torch.int64, torch.bool):
            if dtype in supported:
                return dtype
        return next(iter(sorted(supported, key=str)), None)

    def _is_differentiable(self) -> bool:
        return (
            self.op.supports_autograd
            and torch.float64 in self.op.supported_backward_dtypes("cpu")
            and torch.float64 in self.op.supported_dtypes("cpu")
        )

    def _samples(
        self, category: str, dtype: Any, limit: int | None = None, requires_grad: bool = False
    ) -> Iterator[tuple[str, Any]]:
        """Yield (label, sample) of a dtype, evenly spread where there are more than the limit."""
        if dtype is None:
            return
        limit = self.limits[category] if limit is None else limit
        _seed_samples(self.name)
        samples = list(self.op.sample_inputs("cpu", dtype, requires_grad=requires_grad))
        short = str(dtype).partition(".")[2]
        for number in spread(len(samples), limit):
            yield f"{short} #{number}", samples[number]

    def _values(self, category: str, dtype: Any, limit: int) -> None:
        for label, sample in self._samples(category, dtype, limit):
            self._compare(
                category,
                label,
                sample,
                self.op.get_op(),
                lambda: _function_of(self.op),
                lazily=True,
            )

    def _compare(
        self,
        category: str,
        label: str,
        sample: Any,
        theirs: Callable,
        mine: Callable,
        *,
        lazily: bool = False,
    ) -> None:
        """Run one sample through both libraries and count what differs."""
        tally = self.tallies[category]
        try:
            converted = _convert_sample(sample)
        except OutOfScopeError:
            tally.skipped += 1
            return
        except Exception as error:
            tally.add(label, [f"could not be set up: {_said(error)}"])
            return
        try:
            callee = mine() if lazily else mine
        except OutOfScopeError:
            tally.skipped += 1
            return
        except MissingError as error:
            tally.add(label, [str(error)])
            return
        expected = _attempt(torch, theirs, sample)
        actual = _attempt(jtorch, callee, converted)
        if isinstance(expected, Exception) or isinstance(actual, Exception):
            found = _type_differences(expected, actual)
            tally.add(label + (_shown(sample) if found else ""), found)
            return
        try:
            found = self._found(expected, actual)
            if self.name in UP_TO_PHASES and any(each.kind == "value" for each in found):
                found = self._up_to_phases(sample, expected, actual, found)
        except OutOfScopeError:
            tally.skipped += 1
            return
        except Exception as error:
            found = [Difference("value", f"the result cannot be read: {_said(error)}")]
        shown = _shown(sample) if found else ""
        tally.add(label + shown, [each.words for each in found if each.kind == "value"])
        if category in ("forward", "integer", "half", "complex"):
            self.tallies["form"].add(label + shown, [each.words for each in found])
        elif category in ("method", "inplace", "out"):
            forms = [each.words for each in found if each.kind == "form"]
            if forms and not any(each.kind == "value" for each in found):
                tally.count -= 1
                tally.add(label + shown, forms)

    def _found(self, expected: Any, actual: Any) -> list[Difference]:
        leaves = pytree.tree_leaves(expected)
        if any(isinstance(leaf, torch.Tensor) and leaf.layout != torch.strided for leaf in leaves):
            raise OutOfScopeError("a sparse result")
        return list(differences(expected, actual, self.tolerances, values=self.values))

    def _up_to_phases(
        self, sample: Any, expected: Any, actual: Any, found: list[Difference]
    ) -> list[Difference]:
        """Return what is left of differences where signs and phases are not looked at."""
        process = sample.output_process_fn_grad
        forms = [each for each in found if each.kind == "form"]
        alike = function(process)
        if isinstance(expected[0], torch.Tensor):
            return forms + self._found(process(expected), alike(actual))
        first = self._found(process(expected[0]), alike(actual[0]))  # of a call with ``out=``
        return forms + first + self._found(expected[1:], actual[1:])

    def _differentiate(self, category: str, dtype: Any, limit: int, second: bool = False) -> None:
        """Compare gradients; the names of the results' ``grad_fn`` go into their own category."""
        tally, names = self.tallies[category], self.tallies["grad_fn"]
        for label, sample in self._samples(category, dtype, limit, requires_grad=True):
            label = f"gradient {label}"
            try:
                converted = _convert_sample(sample)
                mine = _function_of(self.op)
                process = function(sample.output_process_fn_grad)
            except OutOfScopeError:
                tally.skipped += 1
                continue
            except Exception as error:
                tally.add(label, [f"could not be set up: {_said(error)}"])
                continue
            expected = _gradients(
                torch, self.op.get_op(), sample, sample.output_process_fn_grad, second
            )
            actual = _gradients(jtorch, mine, converted, process, second)
            failed = isinstance(expected, Exception) or isinstance(actual, Exception)
            if failed:
                words = _type_differences(expected, actual)
                tally.add(label + (_shown(sample) if words else ""), words)
                continue
            if second:
                _fill(expected[1], actual[1])
            try:
                found = differences(
                    expected[1], actual[1], self.tolerances, values=self.values, where="gradient"
                )
                words = [each.words for each in found if each.kind == "value"]
            except Exception as error:
                words = [f"the gradient cannot be read: {_said(error)}"]
            tally.add(label + (_shown(sample) if words else ""), words)
            if category == "gradient" and self.values:
                wrong = [] if expected[0] == actual[0] else [f"{actual[0]}, not {expected[0]}"]
                names.add(label + (_shown(sample) if wrong else ""), wrong)


def steps_of(categories: Iterable[str]) -> list[str]:
    """Return the steps that examine some categories: ``form`` needs those that give results."""
    wanted = set(categories)
    if "form" in wanted:
        wanted |= {"forward", "integer"}
    if "grad_fn" in wanted:
        wanted.add("gradient")
    return [name for name in CATEGORIES if name in wanted - {"form", "grad_fn"}]


def spread(count: int, limit: int) -> list[int]:
    """Return at most ``limit`` of ``range(count)``, evenly spread, the ends among them."""
    if limit <= 0 or count <= limit:
        return list(range(count))
    return sorted({round(place * (count - 1) / max(1, limit - 1)) for place in range(limit)})


def _tolerances(op: Any) -> dict[str, tuple[float, float]]:
    """Return the tolerances by dtype, the entry's own overrides among them."""
    found = dict(DATABASE)
    for decorator in op.decorators:
        if getattr(decorator, "device_type", None) not in (None, "cpu"):
            continue
        for inner in getattr(decorator, "decorators", [decorator]):
            if isinstance(inner, toleranceOverride):
                for dtype, bound in inner.d.items():
                    name = str(dtype).partition(".")[2]
                    before = found.get(name, EXACT)
                    found[name] = max(before[0], bound.rtol), max(before[1], bound.atol)
    return found


def _seed_samples(name: str) -> None:
    seed = zlib.crc32(name.encode())
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def _convert_sample(sample: Any) -> Any:
    convert = Converter()
    convert.expect([sample.input, sample.args, sample.kwargs])
    copy = type(sample)(
        convert(sample.input), args=convert(tuple(sample.args)), kwargs=convert(dict(sample.kwargs))
    )
    copy.broadcasts_input = sample.broadcasts_input
    return copy


def _function_of(op: Any) -> Callable:
    return function(op.get_op())


def _method_of(op: Any) -> Callable:
    """Return jtorch's method; one that raises what is missing where there is none."""
    method = op.get_method()
    if getattr(torch.Tensor, op.name, None) is method:
        return _named_method(op.name)
    try:
        return function(method)
    except MissingError as error:
        return _raising(error)


def _inplace_of(op: Any) -> Callable:
    inplace = op.get_inplace()
    if getattr(torch.Tensor, f"{op.name}_", None) is inplace:
        return _named_method(f"{op.name}_")
    try:
        return function(inplace)
    except MissingError as error:
        return _raising(error)


def _named_method(name: str) -> Callable:
    try:
        return ours(f"Tensor.{name}")
    except MissingError as error:
        return _raising(error)


def _raising(error: Exception) -> Callable:
    def missing(*_: Any, **__: Any) -> Any:
        raise error

    return missing


def _inplace_call(inplace: Callable) -> Callable:
    """Return a function that writes into a clone and returns what there is to see of it."""

    def call(tensor: Any, *arguments: Any, **keywords: Any) -> Any:
        target = tensor.detach().clone()
        before = target._version
        result = inplace(target, *arguments, **keywords)
        return target, result is target, target._version > before

    return call


def _out_call(library: Any, form: str, results: Any) -> Callable:
    """Return a wrapper that gives an operator ``out=`` tensors like PyTorch's results."""

    def target(result: Any) -> Any:
        dtype = getattr(library, str(result.dtype).partition(".")[2])
        if form == "dtype":
            dtype = library.int32 if result.dtype.is_floating_point else library.float32
            if result.dtype.is_complex:
                dtype = library.float32
        shape = (0,) if form == "empty" else tuple(result.shape)
        return library.zeros(shape, dtype=dtype)

    def wrap(op: Callable) -> Callable:
        def call(*arguments: Any, **keywords: Any) -> Any:
            if isinstance(results, torch.Tensor):
                out = target(results)
                return out, op(*arguments, out=out, **keywords) is out
            outs = tuple(target(result) for result in results)
            got = op(*arguments, out=outs, **keywords)
            return got, [one is other for one, other in zip(got, outs, strict=True)]

        return call

    return wrap


def _seeded(library: Any, op: Callable, sample: Any) -> Any:
    library.manual_seed(0)
    return op(sample.input, *sample.args, **sample.kwargs)


def _attempt(library: Any, op: Callable, sample: Any) -> Any:
    """Return what an operator gives for a sample, or the exception that it raises."""
    try:
        return _seeded(library, op, sample)
    except Exception as error:
        return error


def _gradients(library: Any, op: Callable, sample: Any, process: Callable, second: bool) -> Any:
    """Return (names of grad_fn, gradients), or the exception that was raised.

    The cotangents are drawn by NumPy from a seed, so both libraries get the same ones.
    """
    try:
        tensors = [
            leaf
            for leaf in _leaves([sample.input, list(sample.args), dict(sample.kwargs)])
            if isinstance(leaf, library.Tensor) and leaf.requires_grad
        ]
        output = process(_seeded(library, op, sample))
        results = [
            leaf
            for leaf in _leaves(output)
            if isinstance(leaf, library.Tensor) and leaf.requires_grad
        ]
        names = [type(result.grad_fn).__name__ for result in results]
        if not results or not tensors:
            return names, []
        draws = np.random.default_rng(7)
        first = library.autograd.grad(
            results,
            tensors,
            [_cotangent(library, result, draws) for result in results],
            allow_unused=True,
            create_graph=second,
        )
        if not second:
            return names, list(first)
        # Every gradient gets its cotangent, so that both libraries draw the same ones; one that
        # does not depend on the inputs adds nothing, whether or not a library says so.
        pairs = [(each, _cotangent(library, each, draws)) for each in first if each is not None]
        pairs = [pair for pair in pairs if pair[0].requires_grad]
        if not pairs:
            return names, [None] * len(tensors)
        gradients, cotangents = zip(*pairs, strict=True)
        return names, list(library.autograd.grad(gradients, tensors, cotangents, allow_unused=True))
    except Exception as error:
        return error


def _fill(expected: list[Any], actual: list[Any]) -> None:
    """Put zeros where only one library has found out that a second gradient does not exist."""
    for position, (wanted, got) in enumerate(zip(expected, actual, strict=False)):
        if wanted is None and got is not None:
            dtype = getattr(torch, str(got.dtype).partition(".")[2])
            expected[position] = torch.zeros(tuple(got.shape), dtype=dtype)
        if got is None and wanted is not None:
            dtype = getattr(jtorch, str(wanted.dtype).partition(".")[2])
            actual[position] = jtorch.zeros(tuple(wanted.shape), dtype=dtype)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _cotangent(library: Any, tensor: Any, draws: np.random.Generator) -> Any:
    shape = tuple(tensor.shape)
    values = draws.standard_normal(shape)
    if tensor.is_complex():
        values = values + 1j * draws.standard_normal(shape)
    name = str(tensor.dtype).partition(".")[2]
    return library.from_numpy(np.asarray(values)).to(getattr(library, name))


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _error_differences(expected: Any, actual: Any) -> list[str]:
    if not isinstance(expected, Exception):
        return [] if not isinstance(actual, Exception) else [f"raised {_said(actual)}"]
    if not isinstance(actual, Exception):
        return [f"returned; PyTorch raises {_said(expected)}"]
    wanted, got = _said(expected), _said(actual)
    return [] if _plain(wanted) == _plain(got) else [f"raised {got!r}; PyTorch {wanted!r}"]


def _plain(words: str) -> str:
    """Return a message without where in PyTorch's own C++ it was raised."""
    words = re.sub(r"\nException raised from .*", "", words, flags=re.DOTALL)
    return re.sub(r"0x[0-9a-f]+", "0x", words)


def _type_differences(expected: Any, actual: Any) -> list[str]:
    if not isinstance(actual, Exception):
        return [f"returned; PyTorch raises {_said(expected)}"]
    if not isinstance(expected, Exception):
        return [f"raised {_said(actual)}"]
    names = type(expected).__name__, type(actual).__name__
    return [] if names[0] == names[1] else [f"raised {_said(actual)}; PyTorch {_said(expected)}"]


def _matches(error_input: Any, actual: Any) -> bool:
    with contextlib.suppress(re.error):
        return (
            isinstance(actual, Exception)
            and type(actual).__name__ == error_input.error_type.__name__
            and re.search(error_input.error_regex, str(actual)) is not None
        )
    return False


def _shown(sample: Any) -> str:
    """Return a sample in short: shapes and other arguments."""

    def show(value: Any) -> str:
        if isinstance(value, torch.Tensor):
            plain = value.is_contiguous()
            return f"T{list(value.shape)}" + ("" if plain else f"/{list(value.stride())}")
        if isinstance(value, list | tuple):
            return "(" + ", ".join(map(show, value)) + ")"
        return repr(value)[:60]

    words = [show(sample.input), *map(show, sample.args)]
    words += [f"{key}={show(value)}" for key, value in sample.kwargs.items()]
    return f" [{', '.join(words)}]"
