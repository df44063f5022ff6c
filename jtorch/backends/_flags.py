"""Modules whose attributes are settings: reading and writing them goes through functions."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any


class Setting:
    """An attribute that is checked when it is written.

    Args:
        value: what it is at first.
        check: raises where a new value is none.
    """

    def __init__(self, value: Any, check: Callable[[Any], None]):
        self.value = value
        self.check = check

    def __set_name__(self, owner: type, name: str) -> None:
        self.key = f"_{name}"

    def __get__(self, holder: Any, owner: type | None = None) -> Any:
        return vars(holder).get(self.key, self.value)

    def __set__(self, holder: Any, new: Any) -> None:
        self.check(new)
        vars(holder)[self.key] = new


class Followed(Setting):
    """A setting that changes how programs are compiled, or follows from how they are.

    Args:
        setting: what is checked and kept.
        follow: is called with each new value.
        read: returns the value, given the kept one.
    """

    def __init__(
        self,
        setting: Setting,
        follow: Callable[[Any], None],
        read: Callable[[Any], Any] | None = None,
    ):
        super().__init__(setting.value, setting.check)
        self.follow, self.read = follow, read

    def __get__(self, holder: Any, owner: type | None = None) -> Any:
        kept = super().__get__(holder, owner)
        return kept if self.read is None else self.read(kept)

    def __set__(self, holder: Any, new: Any) -> None:
        super().__set__(holder, new)
        self.follow(new)


def flag(value: Any, setter: str | None = None) -> Setting:
    """Return a setting.

    Args:
        value: what it is at first.
        setter: PyTorch's function that sets it, where that takes truth values only.
    """

    def check(new: Any) -> None:
        if setter is not None and type(new) is not bool:
            raise RuntimeError(f"{setter} expects a bool, but got {type(new).__name__}")

    return Setting(value, check)


def precision(value: str = "none") -> Setting:
    """Return a setting of how float32 is multiplied."""

    def check(new: Any) -> None:
        if new not in ("none", "ieee", "tf32", "bf16"):
            raise RuntimeError(f"Unknown precision: {new}")

    return Setting(value, check)


def change(module: str, **settings: Any) -> tuple:
    """Change settings of a module, all but those given as ``None``; return what they were."""
    holder = sys.modules[module]
    before = tuple([getattr(holder, name) for name in settings])
    for name, new in settings.items():
        if new is not None:
            setattr(holder, name, new)
    return before


@contextlib.contextmanager
def changed(module: str, **settings: Any) -> Iterator[None]:
    """Change settings of a module for the length of a ``with`` block, as ``change`` does."""
    holder = sys.modules[module]
    before = {name: getattr(holder, name) for name in settings}
    try:
        change(module, **settings)
        yield
    finally:
        for name, old in before.items():
            setattr(holder, name, old)


@contextlib.contextmanager
def flags_may_change() -> Iterator[None]:
    """Let settings be changed inside a ``with`` block, as they may be anyhow."""
    yield


class Settings:
    """A group of settings below a module."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"Unknown attribute {name}")


def group(**settings: Setting) -> Settings:
    """Return a group of settings."""
    return type("SettingsGroup", (Settings,), dict(settings))()


def make_settings(module: str, **settings: Setting) -> None:
    """Make attributes of a module settings.

    Args:
        module: the name of one that is being imported.
        settings: what ``flag`` or ``precision`` returned, by attribute.
    """
    public = module.replace("jtorch.", "torch.", 1)

    def missing(self: Any, name: str) -> Any:
        raise AttributeError(f"module '{public}' has no attribute '{name}'")

    members: dict[str, Any] = {**settings, "__getattr__": missing}
    sys.modules[module].__class__ = type("SettingsModule", (ModuleType,), members)
