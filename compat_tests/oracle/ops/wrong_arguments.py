"""Call every public function and method with wrong arguments under one library.

``outcomes(library)`` calls them in a process of its own; what each call raises, type and words, is
compared by ``differing``. A call that neither library refuses is not compared: its value is what
other tests look at. ``python -m compat_tests.oracle.ops.wrong_arguments [file]`` prints what
differs, the most frequent kinds first.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import re
import signal
import subprocess
import sys
import warnings
from collections import Counter
from typing import Any

from compat_tests.helpers.paths import ROOT

#: Where the names are looked for, and what their holder is called in a call.
HOLDERS = {
    "torch": "torch",
    "Tensor": "x",
    "nn.functional": "torch.nn.functional",
    "linalg": "torch.linalg",
    "fft": "torch.fft",
    "special": "torch.special",
}

#: Wrong arguments: too few, of another kind, too many, of other dtypes and of other shapes.
ARGUMENTS = (
    "", "'a'", "x, None", "x, x, x, x, x, x, x, x", "x, nonsense=1", "c, c", "b", "x, y", "x, 7",
    "[x, 1]",
)  # fmt: skip
#: Those of methods, by the tensor that the method is called on.
OF_METHODS = (
    ("x", "object()"), ("x", "'a'"), ("x", "None"), ("x", "x, x, x, x, x, x, x"),
    ("x", "nonsense=1"), ("c", "c"), ("b", ""), ("x", "y"), ("x", "7"), ("i", "1.5, 2"),
)  # fmt: skip

#: What changes the process or its settings, waits, or reads files; and what is no function.
SKIPPED = re.compile(
    r"(set_\w+|save|load|manual_seed|seed|compile|cond|while_loop|fork|wait|init_num_threads|"
    r"import_ir\w*|from_file|classproperty|autocast_\w+|clear_autocast_cache|vmap|sym_\w+|"
    r"unify_type_list|parse_\w+|merge_type_from_type_comment|prepare_multiprocessing_environment|"
    r"use_deterministic_algorithms|get_file_path|profiler_\w+|cpp|read_vitals|vitals_enabled|"
    r"share_memory_|record_stream|module_load|thread_safe_generator|get_rng_state|initial_seed|"
    r"boolean_dispatch|assert_int_or_pair|handle_torch_function|"
    r"has_torch_function\w*|_\w+|classproperty|get_num_\w+|get_device_module)$"
)


def public_functions(holder: Any) -> list[str]:
    """Return the public names of a module or class that are functions and may be called."""
    return [
        name
        for name in dir(holder)
        if not SKIPPED.match(name)
        and callable(getattr(holder, name))
        and not inspect.isclass(getattr(holder, name))
        and not inspect.ismodule(getattr(holder, name))
    ]


def expressions() -> list[str]:
    """Return the calls, made of the public names of the installed PyTorch."""
    import torch

    found = []
    for path, written in HOLDERS.items():
        holder = functools.reduce(getattr, path.split("."), torch)
        for name in public_functions(holder):
            if path == "Tensor":
                found += [f"{self}.{name}({given})" for self, given in OF_METHODS]
            else:
                found += [f"{written}.{name}({given})" for given in ARGUMENTS]
    return found


def values(torch: Any) -> dict[str, Any]:
    """Return what the calls are written with: tensors of several dtypes and shapes."""
    return {
        "torch": torch,
        "x": torch.arange(6.0).reshape(2, 3),
        "y": torch.ones(4, 5),
        "c": torch.ones(2, 3, dtype=torch.complex64),
        "b": torch.tensor([True, False]),
        "i": torch.tensor([3, 1, 2]),
    }


def outcome(torch: Any, expression: str) -> str:
    """Return what a call raises, type and words, or nothing where it raises nothing."""
    names = values(torch)
    try:
        eval(expression, names)
    except Exception as error:
        words = str(error).split("\nException raised from")[0].rstrip()
        words = re.sub(r"0x[0-9a-f]+", "0x", words.replace("jtorch", "torch"))
        return f"{type(error).__name__}: {words}"
    return ""


def outcomes(library: str, calls: list[str]) -> dict[str, str]:
    """Return the outcome of each call under a library, in a process that a crash only ends."""
    found: dict[str, str] = {}
    while len(found) < len(calls):
        rest = calls[len(found) :]
        command = [sys.executable, "-m", __spec__.name, "--run", library]
        done = subprocess.run(
            command, input=json.dumps(rest), capture_output=True, text=True, cwd=ROOT, check=False
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("\x01")]
        for call, line in zip(rest, lines, strict=False):
            found[call] = json.loads(line[1:])
        if len(found) < len(calls):
            found[calls[len(found)]] = "the process ended"
            print(library, calls[len(found) - 1], done.stderr[-500:], file=sys.stderr)
    return found


def differing() -> tuple[int, dict[str, tuple[str, str]]]:
    """Return how many calls were compared, and those of which the libraries differ."""
    calls = expressions()
    expected, found = outcomes("torch", calls), outcomes("jtorch", calls)
    compared = [call for call in calls if expected[call] or found[call]]
    return len(calls), {
        call: (expected[call], found[call]) for call in compared if expected[call] != found[call]
    }


def _run(library: str) -> None:
    warnings.simplefilter("ignore")
    torch = importlib.import_module(library)
    importlib.import_module(f"{library}.nn.functional")

    def too_long(number: int, frame: Any) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, too_long)
    for call in json.load(sys.stdin):
        signal.alarm(60)
        found = outcome(torch, call)
        signal.alarm(0)
        print("\x01" + json.dumps(found), flush=True)


def kind(expected: str, found: str) -> str:
    """Return what sort of difference this is: the words with what varies left out."""
    shortened = [
        re.sub(r"'[^']*'|\w+\(\)|\d+", "_", each.split("\n")[0])[:90] for each in (expected, found)
    ]
    return " | ".join(shortened)


def main() -> None:
    """Print what differs."""
    if sys.argv[1:2] == ["--run"]:
        _run(sys.argv[2])
        return
    count, different = differing()
    if sys.argv[1:]:
        with open(sys.argv[1], "w", encoding="utf-8") as file:
            json.dump(different, file, indent=1)
    kinds = Counter(kind(*pair) for pair in different.values())
    for words, times in kinds.most_common():
        print(times, words)
    print(f"{len(different)} of {count} calls differ")


if __name__ == "__main__":
    main()
