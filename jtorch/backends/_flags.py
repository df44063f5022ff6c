"""Modules whose attributes are settings: reading and writing them goes through functions."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def _setting(value: Any, check: Callable[[Any], None]) -> property:
    kept = [value]

    def write(module: Any, new: Any) -> None:
        check(new)
        kept[0] = new

    return property(lambda module: kept[0], write)


def flag(value: Any, setter: str | None = None) -> property:
    """Return a setting.

    Args:
        value: what it is at first.
        setter: PyTorch's function that sets it, where that takes truth values only.
    """

    def check(new: Any) -> None:
        if setter is not None and type(new) is not bool:
            raise RuntimeError(f"{setter} expects a bool, but got {type(new).__name__}")

    return _setting(value, check)


def precision(value: str = "none") -> property:
    """Return a setting of how float32 is multiplied."""

    def check(new: Any) -> None:
        if new not in ("none", "ieee", "tf32", "bf16"):
            raise RuntimeError(f"Unknown precision: {new}")

    return _setting(value, check)


class Settings:
    """A group of settings below a module."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"Unknown attribute {name}")


def make_settings(module: str, **settings: property) -> None:
    """Make attributes of a module settings.

    Args:
        module: the name of one that is being imported.
        settings: what ``flag`` returned, by attribute.
    """
    public = module.replace("jtorch.", "torch.", 1)

    def missing(self: Any, name: str) -> Any:
        raise AttributeError(f"module '{public}' has no attribute '{name}'")

    members: dict[str, Any] = {**settings, "__getattr__": missing}
    sys.modules[module].__class__ = type("SettingsModule", (ModuleType,), members)
