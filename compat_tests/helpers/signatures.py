"""What a function takes, in a form to compare between PyTorch and jtorch."""

from __future__ import annotations

import inspect
import re
from typing import Any


def parameters(function: Any) -> list[tuple[str, str, str]] | None:
    """Return (name, kind, default) of each parameter, or None where Python cannot tell."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [(p.name, p.kind.name, _default(p.default)) for p in found if p.name != "self"]


def _default(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return ""
    if inspect.isroutine(value) or inspect.isclass(value):
        return value.__name__
    return re.sub(r" at 0x\w+", "", repr(value).replace("jtorch.", "torch."))


def shown(known: list[tuple[str, str, str]] | list[list[str]] | None) -> str:
    """Return parameters as one reads them in a signature; ``no signature`` where there is none."""
    if known is None:
        return "no signature"
    words = []
    for name, kind, default in known:
        mark = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(kind, "")
        if kind == "KEYWORD_ONLY" and "*" not in words and not _has_star(words):
            words.append("*")
        words.append(mark + name + (f"={default}" if default else ""))
    return f"({', '.join(words)})"


def _has_star(words: list[str]) -> bool:
    return any(word.startswith("*") and not word.startswith("**") for word in words)
