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
#: The order within the engine: each part imports those before it.
ENGINE = ("graph", "interpreter", "execution", "recording", "memory", "declare", "backward")
#: The order of the families of operators; those of one row do not import each other.
FAMILIES = (
    ("_shared",),
    ("shape",),
    ("creation",),
    ("indexing",),
    ("reduce",),
    ("pointwise",),
    ("linalg", "special"),
    ("optim",),
    ("nn",),
    ("fft",),
    ("compat",),
)

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
    # special functions, and the table of Sobol sequences; JAX brings it along
    "scipy": ("jtorch._engine.interpreter", "jtorch._random.sobol"),
}
NEVER = {"torch", "matplotlib", "flax"}
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


def row_of(module: str) -> tuple[str, int, str] | None:
    """Return the package, the row and the part of it that a module belongs to, if in an order."""
    package, _, rest = module.partition("jtorch._engine.")
    if rest and not package:
        part = rest.split(".")[0]
        return ("engine", ENGINE.index(part), part) if part in ENGINE else None
    package, _, rest = module.partition("jtorch.ops.")
    if rest and not package:
        part = rest.split(".")[0]
        for number, row in enumerate(FAMILIES):
            if part in row:
                return "ops", number, part
    return None


def is_against_the_order(importer: str, imported: str) -> bool:
    """Tell whether a part of the engine or a family of operators imports a later one."""
    own, other = row_of(importer), row_of(imported)
    if own is None or other is None or own[0] != other[0]:
        return False
    return other[1] > own[1] or (other[1] == own[1] and other[2] != own[2])


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
    found: list[str] = []
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
        elif is_against_the_order(module, imported):
            found.append(f"{module}:{line} imports {imported} against the order")
    return found


#: The registries of operators and of their public names, and where they are imported from.
REGISTRIES = frozenset(
    (
        *("FUNCTIONS", "METHODS", "PYTHON_OPERATORS", "REGISTRY"),
        *("NN_FUNCTIONS", "LINALG_FUNCTIONS", "FFT_FUNCTIONS", "SPECIAL_FUNCTIONS"),
    )
)
DECLARING = ("declare", "op")
#: What may look an operator up by a string: the declaration, ``torch.ops.aten`` and the namespace
#: that answers for names.
BY_NAME = (
    "jtorch._engine.declare",
    "jtorch.ops.compat.aten",
    "jtorch.nn.functional",
    "jtorch._tensor.subclasses",  # gives every method of ``Tensor`` its form that is dispatched
    "jtorch.overrides",  # names every public function
)


def look_ups(source: str) -> list[int]:
    """Return the lines that take an operator from a registry by its name, or put one there."""
    by_name = {"get", "setdefault", "update", "pop"}
    tree = ast.parse(source)
    registries = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[-1] in DECLARING
        for alias in node.names
        if alias.name in REGISTRIES
    }
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            registry = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            registry = node.func.value if node.func.attr in by_name else None
        else:
            continue
        if getattr(registry, "id", None) in registries:
            lines.append(node.lineno)
    return lines


SOURCES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: module_name(path, PACKAGE))
def test_imports_point_downwards(path):
    source = path.read_text(encoding="utf-8")
    name = module_name(path, PACKAGE)
    assert violations(name, source, path.name == "__init__.py") == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: module_name(path, PACKAGE))
def test_no_operator_is_looked_up_by_a_string(path):
    if not module_name(path, PACKAGE).startswith(BY_NAME):
        assert look_ups(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "from .._engine.declare import FUNCTIONS\nFUNCTIONS['cat']([x])",
        "from .._engine.declare import FUNCTIONS\nFUNCTIONS['lobpcg'] = lobpcg",
        "from ._engine.declare import METHODS\nMETHODS.update(item=item)",
        "from ..graph.op import REGISTRY\nREGISTRY.get(op.name)",
        "from .._engine.declare import FUNCTIONS as named\nnamed[f'{name}_'](x)",
    ],
)
def test_a_look_up_is_seen(source):
    assert look_ups(source) == [2]


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
        ("jtorch.ops.shape.joining", False, "from ..indexing import along_dim"),
        ("jtorch.ops.pointwise.unary", False, "from ..optim.foreach import lists"),
        ("jtorch._engine.graph.tape", False, "from ..execution import programs"),
        ("jtorch._engine.memory.views", False, "from .. import declare"),
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
