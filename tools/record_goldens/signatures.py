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
    "torch.cuda", "torch.distributions", "torch.fft", "torch.func", "torch.fx", "torch.hub",
    "torch.library", "torch.linalg", "torch.masked", "torch.multiprocessing", "torch.nn",
    "torch.nn.Module", "torch.nn.attention", "torch.nn.functional", "torch.nn.init",
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


def names_of(holder: Any) -> list[str]:
    """Return the public names of a module, or of a class."""
    found = [] if inspect.isclass(holder) else public(holder, strictly=False)
    if found:
        return found
    # What is written in C++ does not say which module it belongs to.
    return sorted(
        name
        for name in dir(holder)
        if not name.startswith("_")
        and not inspect.ismodule(getattr(holder, name))
        and (inspect.isclass(holder) or callable(getattr(holder, name)))
    )


def record() -> dict[str, dict[str, list[list[str]] | None]]:
    """Return by module and name what PyTorch's functions and classes take."""
    found: dict[str, dict[str, list[list[str]] | None]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in MODULES:
            holder = holder_of(path)
            found[path] = {}
            for name in names_of(holder):
                value = getattr(holder, name, None)
                known = parameters(value) if callable(value) else None
                found[path][name] = None if known is None else [list(each) for each in known]
    return found


def main() -> None:
    """Write the record."""
    modules = record()
    rows = [
        f'"{module}": {{\n'
        + ",\n".join(f"{json.dumps(name)}: {json.dumps(known)}" for name, known in names.items())
        + "\n}"
        for module, names in modules.items()
    ]
    FILE.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
    print(f"{FILE}: {sum(map(len, modules.values()))} names")


if __name__ == "__main__":
    main()
