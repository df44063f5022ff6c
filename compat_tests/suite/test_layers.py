"""Imports point one way: each layer of jtorch knows those below it and nothing above."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from compat_tests.helpers.paths import PACKAGE

# From the bottom up; whatever stands in none of these folders is the public package, on top.
LAYERS = (
    "jtorch._core",
    "jtorch._random",
    "jtorch._engine",
    "jtorch._runtime.generator",
    "jtorch.ops",
)
PUBLIC = len(LAYERS)

# Which modules may import what is below jtorch itself. Everyone else goes through the engine.
MAY_IMPORT = {
    "jax": (
        "jtorch._engine",
        "jtorch.ops",
        "jtorch._random",
        "jtorch.func",
        "jtorch.distributed",
        "jtorch.interop",
    ),
    "jaxlib": ("jtorch._engine", "jtorch.interop"),
    "optax": ("jtorch.optim",),
}
NEVER = {"torch", "matplotlib", "scipy", "flax"}
# Whose arithmetic is NumPy's; what it knows of JAX is for a program that already runs there.
JAX_INSIDE_FUNCTIONS = ("jtorch._random",)


def is_within(module: str, prefix: str) -> bool:
    """Tell whether a module is the named one, lies in it, or is its private sibling."""
    return module == prefix or module.startswith((f"{prefix}.", f"{prefix}_"))


def layer_of(module: str) -> int:
    """Return the number of a module's layer, 0 at the bottom."""
    for number, name in enumerate(LAYERS):
        if module == name or module.startswith(f"{name}."):
            return number
    return PUBLIC


def module_name(path: Path, package: Path) -> str:
    """Return the dotted name of a source file."""
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(source: str, module: str, is_package: bool) -> Iterator[tuple[str, int, bool]]:
    """Yield (absolute name, line, whether on import) of all that a source file imports, anywhere.

    ``from a import b`` yields ``a.b``, which may be a module or a name in one. What is imported for
    type checkers alone does not count.
    """
    tree = ast.parse(source)
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            at_once = node.col_offset == 0
            yield from ((alias.name, node.lineno, at_once) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                parts = parts[: len(parts) - node.level + is_package]
                base = ".".join([*parts, base] if base else parts)
            at_once = node.col_offset == 0
            yield from ((f"{base}.{alias.name}", node.lineno, at_once) for alias in node.names)


def violations(module: str, source: str, is_package: bool = False) -> list[str]:
    """Return what a module imports against the rules, as readable lines."""
    found = []
    for imported, line, at_once in imports_of(source, module, is_package):
        top = imported.split(".")[0]
        if top in NEVER:
            found.append(f"{module}:{line} imports {imported}")
        elif top in MAY_IMPORT and not any(is_within(module, user) for user in MAY_IMPORT[top]):
            found.append(f"{module}:{line} imports {imported}; only {MAY_IMPORT[top]} may")
        elif top == "jax" and at_once and module.startswith(JAX_INSIDE_FUNCTIONS):
            found.append(f"{module}:{line} imports {imported} outside of a function")
        elif top == "jtorch" and layer_of(imported) > layer_of(module):
            found.append(f"{module}:{line} imports {imported} from a layer above")
    return found


SOURCES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: module_name(path, PACKAGE))
def test_imports_point_downwards(path):
    source = path.read_text(encoding="utf-8")
    name = module_name(path, PACKAGE)
    assert violations(name, source, path.name == "__init__.py") == []


@pytest.mark.parametrize(
    ("module", "is_package", "source"),
    [
        ("jtorch._core.size", False, "from jtorch._engine import trace"),
        ("jtorch._core.size", False, "from .._engine import trace"),
        ("jtorch._core", True, "from .._engine.trace import Trace"),
        (
            "jtorch._engine.recording.trace",
            False,
            "def flush():\n    from jtorch.ops import pointwise",
        ),
        ("jtorch._engine.recording.trace", False, "import jtorch.ops.reduce"),
        ("jtorch.ops.reduce", False, "from .. import _tensor"),
        ("jtorch.ops.reduce", False, "import jtorch"),
        ("jtorch._core.size", False, "import jax.numpy as jnp"),
        ("jtorch.nn.linear", False, "import jax"),
        ("jtorch.nn.linear", False, "import optax"),
        ("jtorch.hub", False, "def load():\n    import torch"),
        ("jtorch.special", False, "from scipy import special"),
        ("jtorch._random.philox", False, "import jax"),
        ("jtorch._random.philox", False, "from .._engine import trace"),
        ("jtorch._core.size", False, "from .._random import philox"),
    ],
)
def test_the_rules_see_a_violation(module, is_package, source):
    assert len(violations(module, source, is_package)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("jtorch._engine.recording.trace", "from .._core import dtypes\nimport jax"),
        ("jtorch.ops.reduce", "from .._engine.op import op\nfrom jax import numpy"),
        ("jtorch.nn.linear", "from jtorch import ops\nfrom .. import _tensor"),
        ("jtorch.optim.adam", "import optax"),
        ("jtorch._random.philox", "from .._core import dtypes"),
        ("jtorch._random._xla_normal", "def draw():\n    import jax.numpy as jnp"),
        ("jtorch.ops.creation.random", "from .._random import philox"),
        ("jtorch._core.size", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n import jax"),
    ],
)
def test_the_rules_allow_what_points_downwards(module, source):
    assert violations(module, source) == []
