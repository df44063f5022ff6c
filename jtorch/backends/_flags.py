"""Modules whose attributes are settings: reading and writing them goes through functions."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


def flag(value: Any, check: str | None = None) -> property:
    """Return a setting.

    Args:
        value: what it is at first.
        check: PyTorch's function that sets it, where that takes truth values only.
    """
    kept = [value]

    def get(module: Any) -> Any:
        return kept[0]

    def set(module: Any, new: Any) -> None:
        if check is not None and type(new) is not bool:
            raise RuntimeError(f"{check} expects a bool, but got {type(new).__name__}")
        kept[0] = new

    return property(get, set)


def precision(value: str = "none") -> property:
    """Return a setting of how float32 is multiplied."""
    kept = [value]

    def get(module: Any) -> str:
        return kept[0]

    def set(module: Any, new: str) -> None:
        if new not in ("none", "ieee", "tf32", "bf16"):
            raise RuntimeError(f"Unknown precision: {new}")
        kept[0] = new

    return property(get, set)


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
