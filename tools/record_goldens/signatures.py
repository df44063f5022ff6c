"""Record the parameters of PyTorch's public names, for the reference of the documentation.

``python -m tools.record_goldens signatures``, where PyTorch is installed. What Python cannot tell
of a name, since it is written in C++ or is no function, is recorded as null.
"""

from __future__ import annotations

import importlib
import inspect
import json
import warnings
from typing import Any

from compat_tests.helpers.paths import GOLDEN
from compat_tests.helpers.signatures import parameters

from .public_names import public

FILE = GOLDEN / "public_signatures.json"
#: What the reference describes; a class stands for its methods.
MODULES = (
    "torch", "torch.Tensor", "torch.amp", "torch.autograd", "torch.autograd.forward_ad",
    "torch.autograd.functional", "torch.autograd.graph", "torch.autograd.profiler",
    "torch.backends", "torch.backends.cuda", "torch.backends.cudnn", "torch.compiler",
    "torch.cuda", "torch.distributions", "torch.export", "torch.fft", "torch.func", "torch.fx",
    "torch.hub", "torch.library", "torch.linalg", "torch.masked", "torch.multiprocessing",
    "torch.nn", "torch.nn.Module", "torch.nn.attention", "torch.nn.functional", "torch.nn.init",
    "torch.nn.parameter", "torch.nn.utils", "torch.nn.utils.parametrizations",
    "torch.nn.utils.parametrize", "torch.nn.utils.prune", "torch.nn.utils.rnn",
    "torch.nn.utils.stateless", "torch.optim", "torch.optim.Optimizer",
    "torch.optim.lr_scheduler", "torch.optim.swa_utils", "torch.overrides", "torch.profiler",
    "torch.random", "torch.serialization", "torch.signal.windows", "torch.sparse",
    "torch.special", "torch.testing", "torch.utils", "torch.utils.checkpoint",
    "torch.utils.data", "torch.utils.dlpack",
)  # fmt: skip


def holder_of(path: str) -> Any:
    """Return the module of a name, or the class that stands for one."""
    outer, _, last = path.rpartition(".")
    if last[:1].isupper():
        return getattr(importlib.import_module(outer), last)
    return importlib.import_module(path)


def is_pytorchs_builtin(value: Any) -> bool:
    """Tell whether a function is written in C++; those of PyTorch name no module, or torch."""
    home = getattr(value, "__module__", None) or "torch"
    return inspect.isbuiltin(value) and home.partition(".")[0] == "torch"


def is_member(value: Any) -> bool:
    """Tell whether an attribute of a class is a method or a property, not a type."""
    return inspect.isroutine(value) or inspect.isdatadescriptor(value)


def public_names(holder: Any) -> list[str]:
    """Return the public names of a module, or the methods and properties of a class."""
    if inspect.isclass(holder):
        return [
            name
            for name in dir(holder)
            if not name.startswith("_")
            and (
                inspect.isroutine(value := getattr(holder, name)) or inspect.isdatadescriptor(value)
            )
        ]
    names = set(public(holder, strictly=False))
    if not hasattr(holder, "__all__"):
        found = (name for name in dir(holder) if not name.startswith("_"))
        names.update(name for name in found if is_pytorchs_builtin(getattr(holder, name)))
    return sorted(names)


def taken(holder: Any, names: list[str]) -> dict[str, list[list[str]] | None]:
    """Return by name what functions and classes take, ``None`` where Python cannot tell."""
    found: dict[str, list[list[str]] | None] = {}
    for name in names:
        value = getattr(holder, name, None)
        known = parameters(value) if callable(value) else None
        found[name] = None if known is None else [list(each) for each in known]
    return found


def record() -> dict[str, dict[str, Any]]:
    """Return by module its public names with what they take, and the other names in it."""
    found: dict[str, dict[str, Any]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in MODULES:
            holder = holder_of(path)
            names = public_names(holder)
            others = {name for name in dir(holder) if not name.startswith("_")}
            beside = [] if inspect.isclass(holder) else sorted(others.difference(names))
            found[path] = {"public": taken(holder, names), "beside": beside}
    return found


def main() -> None:
    """Write the record."""
    modules = record()
    rows = []
    for module, found in modules.items():
        items = found["public"].items()
        public = [f"{json.dumps(key)}: {json.dumps(known)}" for key, known in items]
        beside = json.dumps(found["beside"])
        lines = ",\n".join(public)
        rows.append(f'"{module}": {{"beside": {beside}, "public": {{\n{lines}\n}}}}')
    FILE.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
    print(f"{FILE}: {sum(len(found['public']) for found in modules.values())} names")


if __name__ == "__main__":
    main()
