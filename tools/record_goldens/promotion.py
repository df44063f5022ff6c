"""Record PyTorch's type promotion into ``promotion.json``.

``python -m tools.record_goldens.promotion``, where PyTorch is installed.
"""

from __future__ import annotations

import itertools
import json

import torch

from compat_tests.helpers.paths import GOLDEN

DTYPES = (
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16",
    "bfloat16", "float32", "float64", "complex64", "complex128", "float8_e4m3fn",
    "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu",
)  # fmt: skip
DEFAULTS = ("float32", "float64", "float16", "bfloat16")
NUMBERS = {"bool": True, "int64": 1, "float64": 1.0, "complex128": 1j}


def _operand(name: str, category: str) -> object:
    if category == "number":
        return NUMBERS[name]
    return torch.empty((1,) if category == "dim" else (), dtype=getattr(torch, name))


def _answer(function, *arguments) -> str:
    try:
        return str(function(*arguments)).removeprefix("torch.")
    except RuntimeError as error:
        return f"RuntimeError: {error}"


def _pairs() -> list[tuple[str, str]]:
    tensors = [(name, category) for category in ("dim", "zero") for name in DTYPES]
    return tensors + [(name, "number") for name in NUMBERS]


def record() -> dict:
    """Return every answer of PyTorch, by what was asked."""
    table: dict = {"torch": torch.__version__.split("+")[0], "dtypes": DTYPES, "result_type": {}}
    square = list(itertools.product(DTYPES, DTYPES))
    dtypes = {name: getattr(torch, name) for name in DTYPES}
    table["promote_types"] = [_answer(torch.promote_types, dtypes[a], dtypes[b]) for a, b in square]
    table["can_cast"] = [torch.can_cast(dtypes[a], dtypes[b]) for a, b in square]
    before = torch.get_default_dtype()
    for default in DEFAULTS:
        torch.set_default_dtype(dtypes[default])
        answers = [
            _answer(torch.result_type, _operand(*first), _operand(*second))
            for first, second in itertools.product(_pairs(), repeat=2)
            # Only a Python number sees the default dtype.
            if default == "float32" or "number" in (first[1], second[1])
        ]
        table["result_type"][default] = answers
    torch.set_default_dtype(before)
    return table


def main() -> None:
    """Write golden/promotion.json."""
    text = json.dumps(record(), indent=0)
    (GOLDEN / "promotion.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
