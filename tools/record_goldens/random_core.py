"""Record PyTorch's CPU random numbers into ``random_core.json``.

``python -m tools.record_goldens.random_core``, where PyTorch is installed.

A program is a seed and a list of draws ``[function, shape, dtype, arguments]`` from one generator.
Of every draw the bytes are kept (or their digest, if they are many), or the error; of the generator
the digest of its state at the end.
"""

from __future__ import annotations

import hashlib
import json
import math
import warnings

import torch

from compat_tests.helpers.paths import GOLDEN

FLOATING = ("float16", "bfloat16", "float32", "float64")
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
SIZES = (1, 5, 15, 16, 17, 1000)


def programs() -> list[dict]:
    """Return everything that is asked of PyTorch."""
    found = []

    def add(name: str, *draws: tuple, seed: int = 0) -> None:
        found.append({"name": name, "seed": seed, "draws": [list(draw) for draw in draws]})

    for dtype in (*FLOATING, "complex64", "complex128"):
        for bounds in ((0, 1), (-0.3, 0.7), (0.5, 1000), (1, 1.0009765625), (-0.03, 0.03)):
            add(f"uniform {dtype}", *(("uniform", [n], dtype, bounds) for n in SIZES))
        for parameters in ((0, 1), (0.3, 0.7), (0, 0.02), (5, 0)):
            add(f"normal {dtype}", *(("normal", [n], dtype, parameters) for n in SIZES))
    for dtype in FLOATING:
        strided = (("strided_normal", [n], dtype, (0.3, 0.7)) for n in (3, 16, 1000))
        add(f"strided normal {dtype}", *strided)
        for name, parameters in (
            ("log_normal", (0.1, 0.7)),
            ("exponential", (1,)),
            ("exponential", (2.5,)),
            ("cauchy", (0, 1)),
            ("cauchy", (0.3, 2.2)),
        ):
            add(f"{name} {dtype}", *((name, [n], dtype, parameters) for n in SIZES))
        for parameters in ((0, 1, -2, 2), (0, 0.02, -2, 2), (0, 1, 2, 3), (0, 1, -0.1, 0.2)):
            add(f"trunc {dtype}", ("truncated_normal", [20, 50], dtype, parameters))
    add("float32 pairs share one spare", *_mixed(), seed=3)
    for n in (100_003, 1 << 18):
        add(f"randn {n}", ("normal", [n], "float32", (0, 1)), ("normal", [n], "float32", (0.3, 2)))
    for dtype in (*INTEGERS, *FLOATING, "bool", "uint16", "uint32", "uint64"):
        add(f"random_ {dtype}", ("random_", [100], dtype, ()))
        add(f"geometric {dtype}", *(("geometric", [100], dtype, (p,)) for p in (0.5, 0.01)))
        add(f"bernoulli {dtype}", *(("bernoulli", [100], dtype, (p,)) for p in (0, 0.3, 1)))
        for given in FLOATING:
            add(f"bernoulli {dtype} of {given}", ("bernoulli_tensor", [100], dtype, (given,)))
        add(f"randperm {dtype}", *(("randperm", [n], dtype, ()) for n in (0, 1, 2, 90, 120)))
        for low, high in (
            (0, 2),
            (-5, 9),
            (0, 100),
            (0, 3000),
            (0, 2**28 - 1),
            (0, 2**28),
            (-(2**40), 2**50),
            (-(2**63), 2**63 - 1),
            (2**24 - 3, 2**24 + 77),
            (3, None),
            (-100, None),
            (-(2**63), None),
        ):
            add(f"random_ {dtype}", ("random_", [100], dtype, (low, high)))
    add("long permutations", *(("randperm", [n], "int64", ()) for n in (199, 200, 2000, 70_000)))
    for shape in ([7], [3, 40], [0], [2, 0]):
        for count in (0, 1, 2, 7, 60):
            for replacement in (False, True):
                for dtype in ("float32", "float64"):
                    draw = ("multinomial", shape, dtype, (count, replacement))
                    add(f"multinomial {shape} {count} {replacement}", draw)
    for dtype in FLOATING:
        add(f"poisson {dtype}", *(("poisson", [300], dtype, (x,)) for x in (1, 30, 500)))
        add(f"gamma {dtype}", *(("standard_gamma", [300], dtype, (x,)) for x in (0.3, 2, 50)))
        add(
            f"dirichlet {dtype}", *(("dirichlet", [40, k], dtype, (2,)) for k in (2, 3, 7, 50, 600))
        )
        add(f"binomial {dtype}", *(("binomial", [300], dtype, (x,)) for x in (7, 64, 1000)))
    for name in ("poisson", "standard_gamma", "dirichlet", "binomial"):
        add(f"{name} int64", (name, [3], "int64", (7,)))
    add("negative rate", ("poisson", [3], "float32", (-1,)))
    add("negative shape", ("standard_gamma", [3], "float32", (-0.25,)))
    for seed in (1, -1, 2**32, 2**64 - 1, -(2**63), 2**64, -(2**63) - 1):
        add(f"seed {seed}", ("uniform", [3], "float32", (0, 1)), seed=seed)
    for name, dtype, arguments in (
        ("uniform", "float32", (2, 1)),
        ("uniform", "float16", (-60000, 60000)),
        ("uniform", "float16", (0, 1e6)),
        ("uniform", "int64", (0, 1)),
        ("normal", "float32", (0, -1.5)),
        ("normal", "int64", (0, 1)),
        ("log_normal", "float32", (0, 0)),
        ("log_normal", "int32", (0, 1)),
        ("exponential", "float32", (0,)),
        ("exponential", "int64", (1,)),
        ("cauchy", "float32", (0, -1)),
        ("cauchy", "int64", (0, 1)),
        ("geometric", "float32", (0,)),
        ("geometric", "float32", (1,)),
        ("bernoulli", "float32", (1.5,)),
        ("random_", "int64", (5, 5)),
        ("random_", "complex64", ()),
    ):
        add(f"{name} {dtype} {arguments}", (name, [3], dtype, arguments))
    return found


def _mixed() -> list[tuple]:
    small = ("normal", [3], "float32", (0, 1))
    return [
        small,
        ("uniform", [700], "float32", (0, 1)),
        ("normal", [16], "float32", (0, 1)),
        ("normal", [2], "float64", (0, 1)),
        small,
        ("log_normal", [1], "float64", (0, 1)),
        ("uniform", [624 * 3], "float64", (0, 1)),
    ]


def weights(torch: object, shape: list[int], dtype: str) -> object:
    """Return weights, the same for whoever asks: sevenths from 1/7 to 1."""
    count = math.prod(shape)
    values = [(3 * place % 7 + 1) / 7 for place in range(count)]
    return torch.tensor(values, dtype=torch.float64).to(getattr(torch, dtype)).reshape(shape)


def draw(generator: torch.Generator, name: str, shape: list[int], dtype: str, arguments) -> bytes:
    """Let PyTorch draw once and return the bytes of the result."""
    if name == "multinomial":
        given = weights(torch, shape, dtype)
        result = torch.multinomial(given, *arguments, generator=generator)
    elif name in ("poisson", "standard_gamma", "dirichlet"):
        function = {
            "poisson": torch.poisson,
            "standard_gamma": torch._standard_gamma,
            "dirichlet": torch._sample_dirichlet,
        }[name]
        given = weights(torch, shape, dtype).mul(*arguments)
        result = function(given, generator=generator)
    elif name == "binomial":
        counts = torch.full(shape, *arguments, dtype=getattr(torch, dtype))
        result = torch.binomial(counts, weights(torch, shape, dtype), generator=generator)
    elif name == "randperm":
        result = torch.randperm(*shape, dtype=getattr(torch, dtype), generator=generator)
    else:
        result = torch.empty(shape, dtype=getattr(torch, dtype))
        if name == "strided_normal":
            result = torch.empty([shape[0], 2], dtype=getattr(torch, dtype))[:, 0]
            result.normal_(*arguments, generator=generator)
        elif name == "truncated_normal":
            torch.nn.init.trunc_normal_(result, *arguments, generator=generator)
        elif name == "bernoulli_tensor":
            given = weights(torch, shape, arguments[0])
            result.bernoulli_(given, generator=generator)
        else:
            method = getattr(result, name if name.endswith("_") else f"{name}_")
            method(*arguments, generator=generator)
    return result.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def digest(data: bytes) -> str:
    """Return data as text: all of it if short, else a hash."""
    return data.hex() if len(data) <= 40 else "sha256:" + hashlib.sha256(data).hexdigest()[:32]


def run(program: dict) -> dict:
    """Return a program together with what PyTorch answers."""
    generator, results = torch.Generator(), []
    try:
        generator.manual_seed(program["seed"])
        for one in program["draws"]:
            results.append(digest(draw(generator, *one)))
    except (RuntimeError, ValueError) as error:
        text = str(error).split("\nException raised")[0]
        results.append([type(error).__name__, text])
    state = generator.get_state().numpy().tobytes()
    return {**program, "results": results, "state": digest(state)}


def record() -> list[dict]:
    """Return all programs and PyTorch's answers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about bounds beyond a float's precision
        return [run(program) for program in programs()]


def main() -> None:
    """Write golden/random_core.json."""
    lines = ",\n".join(json.dumps(program) for program in record())
    (GOLDEN / "random_core.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
