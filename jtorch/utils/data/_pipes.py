"""``IterDataPipe`` and ``MapDataPipe``, and the methods that functions add to them."""

from __future__ import annotations

import enum
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from .dataset import Dataset, IterableDataset

__all__ = ["DataChunk", "IterDataPipe", "MapDataPipe"]


class SHARDING_PRIORITIES(enum.IntEnum):
    """Among which processes samples are shared first."""

    DEFAULT = 1
    DISTRIBUTED = 2
    MULTIPROCESSING = 3


class DataChunk(list):
    """A batch: a list that knows how to be taken apart.

    Args:
        items: the samples.
    """

    def __init__(self, items: Any):
        items = list(items)
        super().__init__(items)
        self.items = items

    def as_str(self, indent: str = "") -> str:
        """Return the samples as a text."""
        return indent + "[" + ", ".join(str(each) for each in self) + "]"

    def raw_iterator(self) -> Iterator[Any]:
        """Yield the samples."""
        yield from self.items


class _Functions:
    """What both kinds of pipes share: methods that are registered by name."""

    functions: dict[str, Callable]
    str_hook: Callable | None = None
    repr_hook: Callable | None = None

    def __getattr__(self, name: str) -> Any:
        function = type(self).functions.get(name)
        if function is None:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}")
        bound = functools.partial(function, self)
        functools.update_wrapper(bound, function, assigned=("__doc__",), updated=())
        return bound

    @classmethod
    def register_function(cls, function_name: str, function: Callable) -> None:
        """Add a method to all pipes of the kind."""
        cls.functions[function_name] = function

    @classmethod
    def register_datapipe_as_function(
        cls, function_name: str, cls_to_register: type, enable_df_api_tracing: bool = False
    ) -> None:
        """Add a method that makes a pipe of another class of this one.

        Raises:
            Exception: the name is taken.
        """
        if function_name in cls.functions:
            raise Exception(
                f"Unable to add DataPipe function name {function_name} as it is already taken"
            )

        def make(source: Any, *args: Any, **kwargs: Any) -> Any:
            return cls_to_register(source, *args, **kwargs)

        make.__doc__ = cls_to_register.__doc__
        cls.functions[function_name] = make

    def __repr__(self) -> str:
        return type(self).__qualname__ if self.repr_hook is None else self.repr_hook(self)

    def __str__(self) -> str:
        return type(self).__qualname__ if self.str_hook is None else self.str_hook(self)

    def __getstate__(self) -> Any:
        return self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def _with_arguments(pipe: Any) -> str:
    """Return a pipe as the call that made it."""
    names = sorted(list(inspect.signature(type(pipe).__init__).parameters)[1:])
    parts = []
    for name in names:
        value = pipe.__dict__.get(name, inspect.Parameter.empty)
        if value is inspect.Parameter.empty:
            continue
        if isinstance(value, (_Functions, type)) or inspect.isfunction(value):
            value = getattr(value, "__name__", None) or type(value).__name__
        parts.append(f"{name}={value}")
    return f"{type(pipe).__name__}({', '.join(parts)})"


class _OneIterator:
    """The iterator of a pipe; it is no longer valid when another one has begun.

    Args:
        pipe: the pipe.
        function: its ``__iter__``.
    """

    def __init__(self, pipe: Any, function: Callable):
        self._pipe, self._function = pipe, function
        self._number: int | None = None

    def __iter__(self) -> _OneIterator:
        return self

    def __next__(self) -> Any:
        if self._number is None:
            self._begin()
        if self._number != self._pipe._valid_iterator_id:
            raise RuntimeError(
                "This iterator has been invalidated because another iterator has been created from "
                f"the same IterDataPipe: {_with_arguments(self._pipe)}\n"
                "This may be caused by multiple references to the same IterDataPipe. We recommend "
                "using `.fork()` if that is necessary.\nFor feedback regarding this single "
                "iterator per IterDataPipe constraint, feel free to comment on this issue: "
                "https://github.com/pytorch/data/issues/45."
            )
        try:
            return next(self._inner)
        except StopIteration:
            raise
        except Exception as error:
            where = f"This exception is thrown by __iter__ of {_with_arguments(self._pipe)}"
            if not error.args:
                error.args = (where,)
            elif isinstance(error.args[0], str) and "thrown by __iter__ of" not in error.args[0]:
                error.args = (f"{error.args[0]}\n{where}", *error.args[1:])
            raise

    def _begin(self) -> None:
        self._pipe._valid_iterator_id += 1
        self._number = self._pipe._valid_iterator_id
        self._pipe.reset()
        self._inner = iter(self._function(self._pipe))


def _valid_alone(function: Callable) -> Callable:
    """Return ``__iter__`` that makes the iterators before it invalid."""

    @functools.wraps(function)
    def iterate(self: Any) -> Any:
        return _OneIterator(self, function)

    return iterate


class IterDataPipe(_Functions, IterableDataset):
    """A stream of samples; ``pipe.map(f).shuffle().batch(4)`` is another one.

    A pipe has one iterator at a time. A subclass defines ``__iter__``, and ``reset`` where
    something begins again with each iterator.
    """

    functions: dict[str, Callable] = {}
    _valid_iterator_id = 0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__iter__" in cls.__dict__:
            cls.__iter__ = _valid_alone(cls.__dict__["__iter__"])  # type: ignore[method-assign]

    def reset(self) -> None:
        """Begin again; called before each iterator."""


class MapDataPipe(_Functions, Dataset):
    """A map from keys to samples; ``pipe.map(f).batch(4)`` is another one."""

    functions: dict[str, Callable] = {}
