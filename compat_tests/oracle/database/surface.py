"""The public names: each of PyTorch's exists, and takes the same parameters.

What PyTorch writes in Python has a signature to compare, parameter by parameter. What it writes in
C++ has none; there, each parameter that the first line of its docstring names, and that one of its
operator's schemas knows, must be known to jtorch's function.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import warnings
from types import ModuleType
from typing import Any

from compat_tests.helpers.signatures import parameters as _parameters
from jtorch._runtime.absent.stand_ins import RefusedMeta, RefusedObject

MODULES = (
    "torch", "torch.Tensor", "torch.nn.functional", "torch.linalg", "torch.fft", "torch.special",
    "torch.signal.windows", "torch.masked",
)  # fmt: skip
_IMPORTED = (
    "typing", "typing_extensions", "contextlib", "collections.abc", "functools", "itertools",
    "math", "os", "sys", "types", "importlib", "platform", "textwrap", "threading",
)  # fmt: skip
_SIGNATURE = re.compile(r"^\s*(?:torch\.)?(?:[\w.]+\.)?(\w+)\((.*?)\)\s*(?:->.*)?$", re.MULTILINE)


#: Names that are out of scope, by pattern, each with its reason.
_OUT_OF_SCOPE = (
    (
        r"torch\.(AVG|SUM)$",
        "Members of an enumeration of TorchScript, which jtorch does not have: plain objects here.",
    ),
    (r"torch\.cpp$", "A module of PyTorch's extension, which it lists by mistake."),
    (
        r"torch\.(q?u?int\d\w*|bit|bits\w+|float4_e2m1fn_x2|complex32|chalf)$",
        "A dtype without arithmetic in PyTorch or in XLA: an object that refuses, not a dtype.",
    ),
    (
        r"torch\.(nn\.functional|linalg)\.(\w*_notes|BroadcastingList\d)$",
        "Text of PyTorch's documentation, or an annotation of TorchScript's: an object here.",
    ),
    (
        r"torch\.(std_mean|var_mean|histogramdd)$",
        "PyTorch's docstring names out, which its function refuses as jtorch's does.",
    ),
    (
        r"torch\.(hspmm|sspaddmm)$",
        "Undocumented products of sparse tensors; out has to be a result of the same call.",
    ),
    (
        r"torch\.Tensor\.copy_$",
        "PyTorch's docstring calls the parameter src; what it accepts is other, as here.",
    ),
    (
        r"torch\.unique_consecutive$",
        "PyTorch's chooses among functions by its flags and shows no parameters; jtorch's names "
        "them.",
    ),
)


def reason(entry: str) -> str | None:
    """Return why a name is out of scope, None where it is not."""
    return next((why for pattern, why in _OUT_OF_SCOPE if re.match(pattern, entry)), None)


def compare() -> dict[str, dict[str, str | None]]:
    """Return by qualified name what of ``name`` and ``signature`` is wrong, None where right."""
    found: dict[str, dict[str, str | None]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in MODULES:
            theirs = _object(path)
            try:
                ours = _object(f"j{path}")
            except (ImportError, AttributeError):
                ours = ModuleType("nothing")
            for name in sorted(_public(theirs)):
                expected = getattr(theirs, name)
                found[f"{path}.{name}"] = _one(name, expected, ours, path == "torch.Tensor")
    return found


def _object(path: str) -> Any:
    if path.endswith(".Tensor"):
        return importlib.import_module(path.rpartition(".")[0]).Tensor
    return importlib.import_module(path)


def _public(holder: Any) -> set[str]:
    listed = getattr(holder, "__all__", None)
    if listed is not None:
        return {name for name in listed if not name.startswith("_")}
    names = {
        name
        for name in dir(holder)
        if not name.startswith("_") and name not in ("annotations", "TYPE_CHECKING")
    }
    return {name for name in names if _is_its_own(getattr(holder, name))}


def _is_its_own(value: Any) -> bool:
    if isinstance(value, ModuleType):
        return value.__name__.startswith("torch.") and "._" not in value.__name__
    return getattr(value, "__module__", "torch") not in _IMPORTED


def _one(name: str, expected: Any, ours: Any, is_method: bool) -> dict[str, str | None]:
    actual = getattr(ours, name, inspect)  # `inspect` stands for nothing: it is no public name
    if actual is inspect:
        return {"name": "missing"}
    result: dict[str, str | None] = {"name": None}
    if callable(expected) != callable(actual):
        result["name"] = f"a {type(actual).__name__}, not a {type(expected).__name__}"
    elif _only_refuses(actual):
        pass  # whatever it is called with
    elif inspect.isfunction(expected) or inspect.isclass(expected):
        wanted, got = _parameters(expected), _parameters(actual)
        if wanted is not None:
            result["signature"] = None if got == wanted else f"{_shown(got)}, not {_shown(wanted)}"
    elif callable(expected):
        documented = _documented(name, expected)
        known = _parameters(actual)
        if documented and known is not None:
            taken = _schema_names(name) - ({"input"} if is_method else set())
            wanted = [[each for each in names if each in taken] for names in documented]
            result["signature"] = _missing(wanted, [parameter[0] for parameter in known])
    return result


def _only_refuses(value: Any) -> bool:
    """Tell whether a name of jtorch's exists only to say that there is no such thing."""
    text = getattr(value, "__doc__", None) or ""
    return text.startswith("Refuse the call.") or isinstance(value, (RefusedMeta, RefusedObject))


def _documented(name: str, function: Any) -> list[list[str]]:
    """Return the parameter names of each signature that a docstring begins with."""
    text = (getattr(function, "__doc__", None) or "").split("\n\n")
    found = []
    for block in text[:2]:
        for named, parameters in _SIGNATURE.findall(block):
            if named == name:
                words = re.sub(r"\[.*?\]|\(.*?\)", "", parameters).split(",")
                names = [word.split("=")[0].split(":")[0].strip(" *") for word in words]
                found.append([each.split(" ")[-1] for each in names if each])
    return found


@functools.cache
def _schema_names(name: str) -> frozenset[str]:
    """Return the parameter names of the operators that a function may stand for."""
    import torch

    found = {"out"}
    for prefix in ("", "linalg_", "fft_", "special_"):
        for schema in torch._C._jit_get_schemas_for_operator(f"aten::{prefix}{name}"):
            found.update(argument.name for argument in schema.arguments)
    return frozenset(found | {"input"} if "self" in found else found)


def _missing(documented: list[list[str]], known: list[str]) -> str | None:
    unknown = {
        name
        for names in documented
        for name in names
        if name.isidentifier() and name not in known and name not in ("self", "args", "kwargs")
    }
    if "args" in known or "kwargs" in known:
        return None
    return f"does not know {', '.join(sorted(unknown))}" if unknown else None


def _shown(parameters: list[tuple[str, str, str]] | None) -> str:
    if parameters is None:
        return "no signature"
    marks = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**", "KEYWORD_ONLY": "kw "}
    words = [
        marks.get(kind, "") + name + (f"={default}" if default else "")
        for name, kind, default in parameters
    ]
    return f"({', '.join(words)})"


def summary(outcome: dict[str, dict[str, str | None]]) -> str:
    """Return the table of the public names, by module."""
    from .tables import table

    rows = [["public names", "names", "missing", "signatures", "different"]]
    for path in MODULES:
        inside = [found for name, found in outcome.items() if name.rpartition(".")[0] == path]
        signatures = [found["signature"] for found in inside if "signature" in found]
        rows.append(
            [
                path,
                str(len(inside)),
                str(sum(found["name"] is not None for found in inside)),
                str(len(signatures)),
                str(sum(each is not None for each in signatures)),
            ]
        )
    return table(rows)
