"""How a program becomes an executable."""

from __future__ import annotations

from typing import Any

import jax

OPTIONS: dict[str, Any] = {}


def compile_first(program: Any, floats: Any, ints: Any, arrays: list, device: Any) -> Any:
    """Compile a program for the first time."""
    jitted = jax.jit(program.lowered, compiler_options=OPTIONS or None)
    return jitted
