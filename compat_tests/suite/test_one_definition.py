"""Each rule that many operators need is written once, and everything else imports it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from compat_tests.helpers.paths import ROOT

PACKAGE = ROOT / "jtorch"

#: Functions that were once written several times, with the one module that defines them.
FUNCTIONS = {
    "is_tensor": "_engine/graph/values.py",
    "is_inexact": "_core/dtypes.py",
    "working_dtype": "_core/dtypes.py",
    "not_implemented": "_core/messages.py",
    "overflow": "_core/messages.py",
    "widen": "ops/_shared/widening.py",
    "widened": "ops/_shared/widening.py",
    "wide_dtype": "ops/_shared/widening.py",
    "is_half": "ops/_shared/widening.py",
    "c_type": "_core/cpp_names.py",
    "cpp_name": "_core/cpp_names.py",
}
#: Expressions that stand for one of these functions, with the modules that may write them out.
EXPRESSIONS = {
    'hasattr(x, "_value")': {"_engine/graph/values.py"},
    "x.is_floating_point or x.is_complex": {"_core/dtypes.py"},
    "not implemented for": {"_core/messages.py"},
    "the two halves": {"_core/dtypes.py", "ops/_shared/widening.py"},
    "a C++ name of a dtype": {"_core/cpp_names.py"},
    "a table of scalar types": set(),
    "float32 for two bytes": set(),
}
#: What is still written twice. Shorten it; nothing may be added.
ALLOWED: dict[tuple[str, str], str] = {
    ("is_tensor", "_runtime/defaults.py"): "the public torch.is_tensor, which calls the other",
    ("widened", "distributions/_transforms_base.py"): "a constraint of more dimensions, no dtype",
    ("widened", "ops/pointwise/unary.py"): "wraps a function of arrays",
    (
        "wide_dtype",
        "ops/pointwise/power.py",
    ): "float64 or complex128, of numbers too",
}

_TYPE_NAMES = {
    "unsigned char", "signed char", "short int", "short unsigned int", "long int",
    "long unsigned int", "uint8_t", "int8_t", "int16_t", "int32_t",
}  # fmt: skip
_QUALIFIED = re.compile(r"(at|c10)::(Half|BFloat16|Float8\w*|complex<[\w:]+>)$")
_SCALAR_TYPES = {
    "Bool", "Byte", "Char", "Short", "Int", "Long", "Half", "BFloat16", "Float", "Double",
    "ComplexFloat", "ComplexDouble",
}  # fmt: skip


def expressions_in(tree: ast.AST) -> Iterator[str]:
    """Yield the keys of ``EXPRESSIONS`` that a module writes out."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name("hasattr"), args=[_, ast.Constant("_value")]):
                yield 'hasattr(x, "_value")'
            case ast.BoolOp(ast.Or(), [ast.Attribute(a, first), ast.Attribute(b, second)]) if (
                ast.dump(a) == ast.dump(b)
                and {first, second} == {"is_floating_point", "is_complex"}
            ):
                yield "x.is_floating_point or x.is_complex"
            case ast.Tuple(elts) | ast.Set(elts) if [*sorted(map(_last_name, elts))] == [
                "bfloat16",
                "float16",
            ]:
                yield "the two halves"
            case ast.Dict(keys, values) if (
                max(
                    sum(_constant(side) in _SCALAR_TYPES for side in keys),
                    sum(_constant(side) in _SCALAR_TYPES for side in values),
                )
                > 2
            ):
                yield "a table of scalar types"
            case ast.IfExp(test) if "itemsize == 2" in ast.unparse(test):
                yield "float32 for two bytes"
            case ast.Constant(str(text)):
                if "not implemented for '" in text:
                    yield "not implemented for"
                if text in _TYPE_NAMES or _QUALIFIED.match(text):
                    yield "a C++ name of a dtype"


def _last_name(node: ast.expr) -> str:
    """Return ``float16`` for ``float16``, ``jnp.float16`` and ``"float16"``."""
    match node:
        case ast.Name(name) | ast.Attribute(_, name) | ast.Constant(str(name)):
            return name
    return ""


def _constant(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def definitions() -> Counter[tuple[str, str]]:
    """Count what every module of jtorch defines of these, by name and path."""
    counts: Counter[tuple[str, str]] = Counter()
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.lstrip("_") in FUNCTIONS:
                counts[node.name.lstrip("_"), place] += 1
        for name in expressions_in(tree):
            counts[name, place] += 1
    return counts


@pytest.fixture(scope="module")
def found() -> Counter[tuple[str, str]]:
    return definitions()


def test_each_rule_is_written_once(found):
    owners = {**{name: {path} for name, path in FUNCTIONS.items()}, **EXPRESSIONS}
    others = {pair for pair in found if pair[1] not in owners[pair[0]]}
    assert others - set(ALLOWED) == set()


def test_nothing_is_allowed_that_is_gone(found):
    assert set(ALLOWED) - set(found) == set()


@pytest.mark.parametrize("name", sorted({*FUNCTIONS} - {"widened", "cpp_name"}))
def test_the_one_definition_is_there(found, name):
    assert found[name, FUNCTIONS[name]] == 1


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ('hasattr(value, "_value")', 'hasattr(x, "_value")'),
        ("d.is_floating_point or d.is_complex", "x.is_floating_point or x.is_complex"),
        ("meta.dtype.is_complex or meta.dtype.is_floating_point",
         "x.is_floating_point or x.is_complex"),
        ("HALVES = (dtypes.float16, dtypes.bfloat16)", "the two halves"),
        ('str(dtype) in {"bfloat16", "float16"}', "the two halves"),
        ("array.astype(wide) if array.dtype.itemsize == 2 else array", "float32 for two bytes"),
        ('f"\\"{kernel}\\" not implemented for \'{name}\'"', "not implemented for"),
        ('{"int64": "long int"}', "a C++ name of a dtype"),
        ('names["bfloat16"] = "at::BFloat16"', "a C++ name of a dtype"),
        ('{"a": "Half", "b": "Float", "c": "Long"}', "a table of scalar types"),
    ],
)  # fmt: skip
def test_the_rules_see_a_copy(source, name):
    assert [*expressions_in(ast.parse(source))] == [name]


@pytest.mark.parametrize(
    "source",
    [
        'hasattr(value, "values")',
        "d.is_floating_point or e.is_complex",
        "(float32, float16, bfloat16)",
        "array if array.dtype.itemsize == 4 else other",
        '{"Half", "Float", "Long"}',
        '"a long interval"',
    ],
)
def test_the_rules_allow_what_is_no_copy(source):
    assert [*expressions_in(ast.parse(source))] == []
