"""One entry of PyTorch's module database, held against PyTorch in every respect."""

from __future__ import annotations

import contextlib
import copy
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.testing._internal.common_modules import ModuleErrorEnum

import jtorch
from compat_tests.oracle.database.comparing import differences
from compat_tests.oracle.database.conversion import MissingError, OutOfScopeError, ours

from .categories import CATEGORIES
from .conversion import ModuleConverter, crossed, flat

SEED = 20
#: What costs most is done for one in so many samples.
FEW = 8


class Entry:
    """The checks of one entry.

    Args:
        info: a ``ModuleInfo``.
        most: how many samples to look at, evenly spread; all unless given.
    Attributes:
        samples: how many samples were looked at, and how many there are.
        wrong: what differs, by category.
        counts: how often each category was looked at.
    """

    def __init__(self, info: Any, most: int | None = None):
        self.info = info
        self.most = most
        self.samples = (0, 0)
        self.wrong: dict[str, list[str]] = {}
        self.counts = dict.fromkeys(CATEGORIES, 0)

    def run(self) -> Entry:
        """Do all checks."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            there = len(self._inputs(torch.float32, False))
            looked = min(there, self.most or there)
            self.samples = (looked, there)
            for place in range(looked):
                self._sample(place * there // looked, copies=place % FEW == 0)
            self._errors()
        return self

    def _inputs(self, dtype: Any, requires_grad: bool, training: bool = True) -> list[Any]:
        torch.manual_seed(SEED)
        if dtype not in self.info.dtypes:
            dtype = next(iter(self.info.dtypes))
        return self.info.module_inputs_func(
            self.info,
            device="cpu",
            dtype=dtype,
            requires_grad=requires_grad,
            training=training,
        )

    def _note(self, category: str, what: str, found: Iterator[Any] | list[Any]) -> None:
        self.counts[category] += 1
        for difference in found:
            words = getattr(difference, "words", difference)
            self.wrong.setdefault(category, []).append(f"{what}: {words}")

    @contextlib.contextmanager
    def _guarded(self, category: str, what: str) -> Iterator[None]:
        """Note what jtorch raises where PyTorch does not."""
        try:
            yield
        except OutOfScopeError:
            pass
        except Exception as error:
            self._note(category, what, [f"{type(error).__name__}: {error}"[:300]])

    # Samples

    def _sample(self, number: int, copies: bool) -> None:
        sample = self._inputs(torch.float32, False)[number]
        what = f"#{number} {sample.desc}".strip()
        try:
            theirs, mine = self._pair(sample)
        except OutOfScopeError:
            return
        except Exception as error:
            words = [f"{type(error).__name__}: {error}"[:300]]
            self._note("construction", what, words)
            return
        self._note("construction", what, [])
        with self._guarded("repr", what):
            self._note("repr", what, _texts(repr(theirs), repr(mine)))
        self._state(what, theirs, mine)
        if sample.forward_input is None:
            return
        modes = (True, False) if self.info.train_and_eval_differ else (True,)
        for training in modes:
            category = "forward" if training else "eval"
            with self._guarded(category, what):
                self._forward(category, what, number, training, torch.float32)
        with self._guarded("gradient", what):
            self._gradient(what, number)
        if not copies:
            return
        with self._guarded("strided", what):
            self._forward("strided", what, number, True, torch.float32, strided=True)
        with self._guarded("conversion", what):
            self._forward("conversion", what, number, True, torch.float64, convert=True)
        with self._guarded("memory", what):
            self._memory(what, number)
        self._copies(what, number)

    def _pair(self, sample: Any) -> tuple[Any, Any]:
        """Return the module in both libraries, made of the same seed."""
        converter = ModuleConverter()
        made = sample.constructor_input
        args = [converter(arg) for arg in made.args]
        kwargs = {name: converter(value) for name, value in made.kwargs.items()}
        torch.manual_seed(SEED)
        jtorch.manual_seed(SEED)
        theirs = self.info.module_cls(*made.args, **made.kwargs)
        return theirs, ours(f"nn.{self.info.module_cls.__name__}")(*args, **kwargs)

    def _state(self, what: str, theirs: Any, mine: Any) -> None:
        with self._guarded("state_dict", what):
            left, right = theirs.state_dict(), mine.state_dict()
            self._note("state_dict", what, _texts(str(list(left)), str(list(right))))
            self._note(
                "state_dict",
                what,
                _texts(str(dict(left._metadata)), str(dict(right._metadata))),
            )
        with self._guarded("initial", what):
            for (name, one), other in zip(
                theirs.state_dict().items(), mine.state_dict().values(), strict=True
            ):
                if torch.nn.parameter.is_lazy(one):
                    self._note("initial", what, _texts(repr(one), repr(other)))
                    continue
                self._note("initial", what, differences(one, other, {}, exact=True, where=name))

    def _forward(
        self,
        category: str,
        what: str,
        number: int,
        training: bool,
        dtype: Any,
        strided: bool = False,
        convert: bool = False,
    ) -> None:
        sample = self._inputs(dtype, False, training)[number]
        theirs, mine = self._pair(sample)
        if convert:
            theirs.to(dtype)
            mine.to(getattr(jtorch, str(dtype).partition(".")[2]))
        theirs.train(training)
        mine.train(training)
        called = sample.forward_input
        given = (tuple(called.args), dict(called.kwargs))
        if strided:
            given = _strided(given)
        converter = ModuleConverter()
        args, kwargs = converter(given)
        found = _differing(
            lambda: _run(theirs, *given, torch), lambda: _run(mine, args, kwargs, jtorch)
        )
        self._note(category, what, found)

    def _gradient(self, what: str, number: int) -> None:
        dtype = torch.float64 if torch.float64 in self.info.dtypes else torch.float32
        sample = self._inputs(dtype, True)[number]
        theirs, mine = self._pair(sample)
        theirs.to(dtype)
        mine.to(getattr(jtorch, str(dtype).partition(".")[2]))
        called = sample.forward_input
        converter = ModuleConverter()
        args, kwargs = converter((tuple(called.args), dict(called.kwargs)))
        wanted = _run(theirs, called.args, called.kwargs, torch)
        got = _run(mine, args, kwargs, jtorch)
        total = _total(flat(wanted))
        mine_total = _total(flat(got))
        if total is None or not total.requires_grad:
            same = mine_total is None or not mine_total.requires_grad
            self._note("gradient", what, [] if same else ["the result requires grad"])
            return
        total.backward()
        mine_total.backward()
        pairs = [("input", *pair) for pair in converter.leaves()]
        pairs += [
            (name, one, other)
            for (name, one), other in zip(theirs.named_parameters(), mine.parameters(), strict=True)
        ]
        for name, one, other in pairs:
            found = [
                difference
                for difference in differences(one.grad, other.grad, {}, where=f"{name}.grad")
                if difference.kind == "value"
            ]
            self._note("gradient", what, found)

    def _memory(self, what: str, number: int) -> None:
        sample = self._inputs(torch.float32, False)[number]
        called = sample.forward_input
        tensors = flat([list(called.args), dict(called.kwargs)])
        ranks = {tensor.dim() for tensor in tensors} & {4, 5}
        if not ranks:
            return
        name = "channels_last" if 4 in ranks else "channels_last_3d"
        theirs, mine = self._pair(sample)
        try:
            theirs.to(memory_format=getattr(torch, name))
        except ValueError:
            return  # a lazy module, whose parameters have no dimensions yet
        mine.to(memory_format=getattr(jtorch, name))

        def last(value: Any) -> Any:
            rank = 4 if name == "channels_last" else 5
            if isinstance(value, torch.Tensor) and value.dim() == rank:
                return value.contiguous(memory_format=getattr(torch, name))
            return value

        given_args = tuple([last(arg) for arg in called.args])
        given_kwargs = {key: last(value) for key, value in called.kwargs.items()}
        converter = ModuleConverter()
        args, kwargs = converter((given_args, given_kwargs))
        found = _differing(
            lambda: _run(theirs, given_args, given_kwargs, torch),
            lambda: _run(mine, args, kwargs, jtorch),
        )
        self._note("memory", what, found)

    def _copies(self, what: str, number: int) -> None:
        """Check that copies and files of a module do what the module does."""
        sample = self._inputs(torch.float32, False)[number]
        called = sample.forward_input
        args, kwargs = ModuleConverter()((tuple(called.args), dict(called.kwargs)))

        def called_with(module: Any) -> Any:
            return _run(module, copy.deepcopy(args), copy.deepcopy(kwargs), jtorch)

        theirs, mine = self._pair(sample)
        for category, make in (
            ("copy", lambda: copy.deepcopy(mine)),
            ("file", lambda: crossed(mine, jtorch, jtorch)),
            ("file", lambda: crossed(theirs, torch, jtorch)),
            ("file", lambda: crossed(crossed(mine, jtorch, torch), torch, jtorch)),
        ):
            with self._guarded(category, what):
                made = make()
                fresh = self._pair(sample)[0]
                found = _differing(
                    lambda one=fresh: _run(one, copy.deepcopy(called.args), called.kwargs, torch),
                    lambda other=made: called_with(other),
                )
                self._note(category, what, found)

    # Errors

    def _errors(self) -> None:
        if self.info.module_error_inputs_func is None:
            return
        torch.manual_seed(SEED)
        dtype = torch.float32 if torch.float32 in self.info.dtypes else torch.float64
        samples = self.info.module_error_inputs_func(
            self.info, device="cpu", dtype=dtype, requires_grad=False, training=True
        )
        for number, sample in enumerate(samples):
            what = f"error #{number}"
            made = sample.module_error_input
            if sample.error_on == ModuleErrorEnum.CONSTRUCTION_ERROR:
                wanted = _raised(lambda made=made: self._pair_of_one(made, torch))
                got = _raised(lambda made=made: self._pair_of_one(made, jtorch))
            else:
                with self._guarded("error", what):
                    theirs, mine = self._pair(made)
                    given = (tuple(made.forward_input.args), dict(made.forward_input.kwargs))
                    args, kwargs = ModuleConverter()(given)
                    wanted = _raised(lambda t=theirs, g=given: _run(t, *g, torch))
                    got = _raised(lambda m=mine, a=args, k=kwargs: _run(m, a, k, jtorch))
            self._note("error", what, _texts(wanted, got))

    def _pair_of_one(self, sample: Any, library: Any) -> Any:
        made = sample.constructor_input
        if library is torch:
            return self.info.module_cls(*made.args, **made.kwargs)
        converter = ModuleConverter()
        args = [converter(arg) for arg in made.args]
        kwargs = {name: converter(value) for name, value in made.kwargs.items()}
        return ours(f"nn.{self.info.module_cls.__name__}")(*args, **kwargs)


def _run(module: Any, args: Any, kwargs: Any, library: Any) -> Any:
    library.manual_seed(SEED + 1)
    return module(*args, **kwargs)


def _total(tensors: list[Any]) -> Any:
    """Return a number that every result has a part in, each element another one."""
    total = None
    for tensor in tensors:
        if not tensor.is_floating_point() or not tensor.requires_grad:
            continue
        part = (tensor * tensor).sum() + (tensor * 0.5).sum()
        total = part if total is None else total + part
    return total


def _strided(value: Any) -> Any:
    """Return arguments whose tensors are not contiguous, of the same elements."""
    if isinstance(value, torch.Tensor):
        if not value.dim() or value.numel() < 2 or not value.is_floating_point():
            return value
        wide = torch.empty((*value.shape, 2), dtype=value.dtype)
        wide[..., 0] = value
        return wide[..., 0]
    if isinstance(value, torch.nn.utils.rnn.PackedSequence):
        return value
    if isinstance(value, tuple):
        return tuple([_strided(item) for item in value])
    if isinstance(value, list):
        return [_strided(item) for item in value]
    if isinstance(value, dict):
        return {key: _strided(item) for key, item in value.items()}
    return value


def _raised(function: Callable[[], Any]) -> str:
    try:
        function()
    except MissingError as error:
        return f"missing: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "nothing raised"


def _differing(theirs: Callable[[], Any], mine: Callable[[], Any]) -> list[Any]:
    """Return how results differ, and where PyTorch refuses a sample, how the refusals do."""
    try:
        wanted = theirs()
    except Exception as error:
        return _texts(f"{type(error).__name__}: {error}", _raised(mine))
    return list(differences(wanted, mine(), {}))


def _texts(wanted: str, got: str) -> list[str]:
    wanted, got = (re.sub("0x[0-9a-f]+", "0x", text) for text in (wanted, got))
    return [] if wanted == got else [f"{got!r}, not {wanted!r}"[:600]]
