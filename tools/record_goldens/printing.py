"""Record how PyTorch prints tensors into ``printing.json``.

``python -m tools.record_goldens.printing``, where PyTorch is installed.

A case is a dictionary: the dtype and shape of the tensor, a pattern of raw bytes (base64) that is
repeated to fill it, the print options, and what else shows.  ``sample`` draws random cases.
"""

from __future__ import annotations

import base64
import contextlib
import json

import numpy as np
import torch

from compat_tests.helpers.paths import GOLDEN

INTEGERS = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
FLOAT8 = (
    "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu",
)  # fmt: skip
FLOATS = ("float16", "bfloat16", "float32", "float64", *FLOAT8)
COMPLEX = {"complex64": "float32", "complex128": "float64"}
DTYPES = ("bool", *INTEGERS, *FLOATS, *COMPLEX)
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0])


class MyTensor(torch.Tensor):
    """A subclass, whose name is printed."""


class MyParameter(torch.nn.Parameter):
    """A subclass of a parameter, which prints otherwise than a parameter."""


def _magnitudes(generator: np.random.Generator, count: int) -> np.ndarray:
    """Draw float64 values of one of the kinds that are printed differently."""
    kind = generator.integers(11)
    normal = generator.standard_normal(count)
    if kind <= 2:
        return normal * 10.0 ** generator.integers(-6, 10)
    if kind == 3:
        return np.round(normal * 10.0 ** generator.integers(0, 12))
    if kind == 4:
        return np.sign(normal) * 10.0 ** generator.uniform(-45, 45, count)
    if kind == 5:
        return np.sign(normal) * 10.0 ** generator.uniform(-2.5, 2.5, count)
    if kind == 6:
        return generator.choice([1e8, 1e-4, 1.0, 1000.0, 999.5, 0.1, 1e5, 1e-7, 100.0001], count)
    if kind == 7:
        return generator.choice(SPECIAL, count)
    if kind == 8:
        return np.full(count, normal[0] if count else 0.0)
    if kind == 9:
        return generator.integers(-4, 5, count) / 2.0
    return np.round(normal * 3) * generator.integers(0, 2, count)


def _floats(generator: np.random.Generator, name: str, count: int) -> torch.Tensor:
    dtype = getattr(torch, name)
    if generator.random() < 0.1:
        raw = generator.integers(0, 256, count * dtype.itemsize, dtype=np.uint8)
        return torch.from_numpy(raw).view(dtype)
    values = _magnitudes(generator, count)
    if generator.random() < 0.25:
        special = generator.random(count) < 0.3
        values = np.where(special, generator.choice(SPECIAL, count), values)
    return torch.from_numpy(values).to(dtype)


def _pattern(generator: np.random.Generator, name: str, count: int) -> torch.Tensor:
    if name == "bool":
        return torch.from_numpy(generator.random(count) < generator.choice([0.1, 0.5, 1.0]))
    if name in INTEGERS:
        limits = torch.iinfo(getattr(torch, name))
        low, high = limits.min, limits.max
        if generator.random() < 0.6:
            low, high = max(low, -int(10 ** generator.integers(0, 4))), min(high, 120)
        values = generator.integers(low, high, count, dtype=name, endpoint=True)
        return torch.from_numpy(values)
    if name in COMPLEX:
        real = _floats(generator, COMPLEX[name], count)
        return torch.complex(real, _floats(generator, COMPLEX[name], count))
    return _floats(generator, name, count)


def _shape(generator: np.random.Generator) -> tuple[int, ...]:
    kind = generator.integers(20)
    if kind == 0:
        return ()
    if kind == 1:
        return (int(generator.integers(900, 1300)),)
    if kind == 2:
        return tuple(generator.integers(20, 60, 2).tolist())
    if kind == 3:
        return tuple(generator.integers(5, 14, 3).tolist())
    if kind == 4:
        return tuple(generator.integers(0, 4, generator.integers(1, 5)).tolist())
    if kind <= 12:
        return (int(generator.integers(1, 40)),)
    return tuple(generator.integers(1, 9, generator.integers(2, 4)).tolist())


def _options(generator: np.random.Generator) -> dict:
    if generator.random() < 0.4:
        return {}
    choices = {
        "precision": [0, 1, 2, 3, 6, 8, 12],
        "threshold": [0, 5, 20, 100],
        "edgeitems": [0, 1, 2, 3, 5],
        "linewidth": [1, 20, 40, 60, 100, 120, 200],
        "profile": ["short", "full", "default"],
        "sci_mode": [True, False],
    }
    chosen = [name for name in choices if generator.random() < 0.35]
    return {name: choices[name][generator.integers(len(choices[name]))] for name in chosen}


def _case(pattern: torch.Tensor, shape: tuple[int, ...] | None = None, **rest: object) -> dict:
    # A tensor of one element may have any stride, which ``view`` would refuse.
    flat = torch.empty(pattern.numel(), dtype=pattern.dtype).copy_(pattern.reshape(-1))
    raw = flat.view(torch.uint8).numpy().tobytes()
    name = str(pattern.dtype).removeprefix("torch.")
    shape = tuple(pattern.shape) if shape is None else shape
    return {"dtype": name, "shape": shape, "raw": base64.b64encode(raw).decode(), **rest}


def sample(generator: np.random.Generator) -> dict:
    """Draw a case."""
    name = str(generator.choice(DTYPES))
    shape = _shape(generator)
    rest: dict = {"options": _options(generator)}
    differentiable = name in ("float16", "bfloat16", "float32", "float64", *COMPLEX)
    if generator.random() < 0.2:
        rest["default_dtype"] = str(generator.choice(["float64", "float16", "bfloat16"]))
    if generator.random() < 0.2:
        kinds = ["subclass", "meta", "parameter", "parameter_subclass"]
        rest["kind"] = str(generator.choice(kinds if differentiable else kinds[:2]))
    elif differentiable and generator.random() < 0.2:
        # Negating a complex number twice loses the sign of a zero.
        kinds = ["leaf", "clone"] if name in COMPLEX else ["leaf", "clone", "negated"]
        rest["kind"] = str(generator.choice(kinds))
    count = int(np.prod(shape))
    return _case(_pattern(generator, name, max(count, 1))[:count], shape, **rest)


def tensor_of(case: dict) -> torch.Tensor:
    """Return the tensor that a case describes."""
    raw = np.frombuffer(base64.b64decode(case["raw"]), np.uint8)
    dtype = getattr(torch, case["dtype"])
    wanted = int(np.prod(case["shape"])) * dtype.itemsize
    filled = torch.from_numpy(np.resize(raw, wanted)) if wanted else torch.empty(0)
    tensor = filled.view(dtype).reshape(case["shape"]) if wanted else torch.empty(0, dtype=dtype)
    tensor = tensor.reshape(case["shape"])
    kind = case.get("kind")
    if kind == "subclass":
        return tensor.as_subclass(MyTensor)
    if kind == "meta":
        return torch.empty(case["shape"], dtype=dtype, device="meta")
    if kind == "parameter":
        return torch.nn.Parameter(tensor)
    if kind == "parameter_subclass":
        return MyParameter(tensor)
    if kind in ("leaf", "negated", "clone"):
        tensor = tensor.requires_grad_()
    if kind == "negated":
        return tensor.neg().neg()
    return tensor.clone() if kind == "clone" else tensor


@contextlib.contextmanager
def _settings(case: dict):
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, case.get("default_dtype", "float32")))
    torch.set_printoptions(profile="default")
    torch.set_printoptions(**case.get("options", {}))
    try:
        yield
    finally:
        torch.set_default_dtype(before)
        torch.set_printoptions(profile="default")


def text_of(case: dict) -> str:
    """Return what PyTorch prints for a case."""
    tensor = tensor_of(case)
    with _settings(case):
        return repr(tensor)


def chosen() -> list[dict]:
    """Return the cases of which every one shows a rule."""
    nan, inf = float("nan"), float("inf")
    cases = []
    for values in (
        [0.0], [-0.0], [nan], [inf, -inf], [0.0, nan, -0.0], [1.0, nan, inf, -inf],
        [1.5, nan, inf, -inf], [1.0, 2.0, 3.0], [1e8], [1e8 + 8], [123456789.0, 1.0], [1e-4],
        [9.9e-5], [1000.0, 1.0], [1001.0, 1.0], [1000.5, 1.0], [0.5, 500.0], [0.5, 500.5],
        [1e-45, 1.0], [3e38, -3e38], [1e10, 1e10], [1e5, 2e5], [12345678.0], [0.1 + 0.2, 1 / 3],
        [0.0, 1e-8], [1e-8, nan], [-1.0, 10.0, 100.0], [99999.99999], [2.5, 3.5, -0.5],
    ):  # fmt: skip
        for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16):
            cases.append(_case(torch.tensor(values, dtype=torch.float64).to(dtype)))
    ramp = torch.arange(100)
    for shape in ((1000,), (1001,), (40, 26), (7, 8, 20), (2, 2, 2, 300), (2400, 1), (1, 2400)):
        cases.append(_case(ramp, shape))
        cases.append(_case(ramp.float() / 7, shape))
        cases.append(_case(ramp.to(torch.complex64) * (1 - 2j), shape))
    # The large values are never at an edge, so they decide nothing.
    hidden = torch.tensor([1.5, 2.5, 3.5, 1e9, 1e-9, 3.5, 2.5, 1.5])
    cases.append(_case(hidden, (1600,)))
    cases.append(_case(hidden, (200, 8)))
    for shape in ((0,), (0, 3), (2, 0), (1, 0, 1)):
        for dtype in (torch.float32, torch.float64, torch.int64, torch.bool, torch.complex64):
            cases.append(_case(torch.empty(0, dtype=dtype), shape))
    for values in ([1 + 2j, 1 - 2j], [complex(nan, inf), complex(-0.0, -0.0)], [10j, 1.5 + 1e-9j],
                   [complex(0, nan), 1000 + 1j], [1e9 + 1j, -1 + 1e-9j]):  # fmt: skip
        for dtype in (torch.complex64, torch.complex128):
            cases.append(_case(torch.tensor(values, dtype=dtype)))
            cases.append(_case(torch.tensor(values[0], dtype=dtype), ()))
    for name in DTYPES:
        cases.append(_case(torch.tensor([1, 0, 1, 1]).to(getattr(torch, name)), (2, 2)))
        cases.append(_case(torch.tensor([1]).to(getattr(torch, name)), ()))
        cases.append(_case(torch.tensor([1]).to(getattr(torch, name)), (2,), kind="meta"))
    # The suffix that just fits and the one that does not.
    for count in range(8, 24):
        wide = torch.full((count,), 1.5)
        for kind in ("leaf", "negated", "parameter", "parameter_subclass"):
            cases.append(_case(wide, kind=kind, options={"linewidth": 100}))
    return cases


def record(seed: int = 0, samples: int = 400) -> dict:
    """Return the chosen and some random cases, each with what PyTorch prints."""
    generator = np.random.default_rng(seed)
    cases = chosen() + [sample(generator) for _ in range(samples)]
    # The file stays small without the longest tensors; short patterns show the same rules.
    small = [case for case in cases if len(case["raw"]) < 2000]
    return {
        "torch": torch.__version__.split("+")[0],
        "cases": [{**case, "text": text_of(case)} for case in small],
    }


def main() -> None:
    """Write golden/printing.json."""
    text = json.dumps(record(), indent=0)
    (GOLDEN / "printing.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
