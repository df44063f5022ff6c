"""Record the overloads of PyTorch's operators: names, and what each takes and returns.

``python -m tools.record_goldens.operator_schemas``, where PyTorch is installed, writes
``jtorch/ops/compat/schemas.json``: of each operator that ``torch.ops.aten`` has here the overloads
that concern tensors, and which operators PyTorch makes of others.
"""

from __future__ import annotations

import json
from typing import Any

from compat_tests.helpers.paths import PACKAGE

SCHEMAS = PACKAGE / "ops" / "compat" / "schemas.json"
_OF_TENSORS = ("Tensor", "Generator", "Layout", "Device")


def has(name: str) -> bool:
    """Return whether jtorch has an operator."""
    from jtorch.ops.compat import aten

    try:
        getattr(aten, name)
    except AttributeError:
        return False
    return True


def is_composite(name: str, overload: str) -> bool:
    """Return whether PyTorch makes an overload of other operators."""
    import torch

    key = torch._C.DispatchKey.CompositeImplicitAutograd
    try:
        return getattr(getattr(torch.ops.aten, name), overload).has_kernel_for_dispatch_key(key)
    except (AttributeError, RuntimeError):
        return False


def recorded() -> dict[str, Any]:
    """Return the overloads by operator, and the names of what is made of other operators."""
    import torch

    overloads: dict[str, dict[str, str]] = {}
    composite = set()
    for schema in torch._C._jit_get_all_schemas():
        space, _, name = schema.name.partition("::")
        text = str(schema)
        if space != "aten" or not any(kind in text for kind in _OF_TENSORS) or not has(name):
            continue
        overload = schema.overload_name or "default"
        overloads.setdefault(name, {})[overload] = text[text.index("(") :]
        if is_composite(name, overload):
            composite.add(f"{name}.{overload}")
    return {"composite": sorted(composite), "overloads": dict(sorted(overloads.items()))}


def main() -> None:
    """Record the file."""
    SCHEMAS.write_text(json.dumps(recorded(), indent=0) + "\n")


if __name__ == "__main__":
    main()
