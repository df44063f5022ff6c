"""Decorators of data pipes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._pipes import IterDataPipe, MapDataPipe

__all__ = [
    "argument_validation",
    "functional_datapipe",
    "guaranteed_datapipes_determinism",
    "runtime_validation",
    "runtime_validation_disabled",
]


class functional_datapipe:
    """A decorator that adds a class of pipes to all pipes as a method.

    Args:
        name: of the method.
        enable_df_api_tracing: accepted; there are no pipes of data frames.
    """

    def __init__(self, name: str, enable_df_api_tracing: bool = False):
        self.name = name

    def __call__(self, cls: Any) -> Any:
        kinds = [kind for kind in (IterDataPipe, MapDataPipe) if issubclass(cls, kind)]
        if not kinds:
            raise TypeError("`functional_datapipe` can only decorate IterDataPipe and MapDataPipe")
        kinds[0].register_datapipe_as_function(self.name, cls)
        return cls


class guaranteed_datapipes_determinism:
    """A block in which pipes without a fixed order are refused."""

    guaranteed = False

    def __init__(self) -> None:
        self._before = type(self).guaranteed

    def __enter__(self) -> None:
        type(self).guaranteed = True

    def __exit__(self, *exception: object) -> None:
        type(self).guaranteed = self._before


def argument_validation(f: Callable) -> Callable:
    """Return the function: annotations of pipes are not checked."""
    return f


def runtime_validation(f: Callable) -> Callable:
    """Return the function: annotations of samples are not checked."""
    return f


class runtime_validation_disabled:
    """A block in which annotations of samples are not checked, as they never are."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        pass
