"""A file fits in the head: about 600 lines, and a reason where it is longer."""

from __future__ import annotations

import pytest

from compat_tests.helpers.paths import ROOT

LIMIT = 600
#: Below this a file needs no reason any more, and its entry goes.
SHORT = 500

#: Why a file of jtorch is longer. Before adding one, look for what can stand in a file of its own.
REASONS = {
    "jtorch/_engine/backward/stages.py": (
        "two classes share the state of one backward pass; each stage reads what the last one left"
    ),
    "jtorch/_engine/memory/chains.py": (
        "reading and writing through a chain of view steps are each other's inverse and change "
        "together"
    ),
    "jtorch/_engine/recording/record.py": (
        "the path of every call, which may not cross a module; planning already stands elsewhere"
    ),
    "jtorch/_tensor/indexing.py": (
        "reading and assigning parse one index language; what an index means is decided once"
    ),
    "jtorch/fx/_symbolic_trace.py": (
        "the tracer and what it patches while it runs, which only make sense together"
    ),
    "jtorch/nn/modules/activation.py": "PyTorch's file: every activation, some twenty lines each",
    "jtorch/nn/modules/container.py": "PyTorch's file: five containers, each a list or a dict",
    "jtorch/nn/modules/loss.py": "PyTorch's file: every loss, some thirty lines each",
    "jtorch/nn/modules/module.py": (
        "PyTorch's file: one class; its hooks, calls and state stand in files of their own"
    ),
    "jtorch/nn/modules/rnn.py": "PyTorch's file: networks and cells over two shared bases",
    "jtorch/nn/modules/transformer.py": "PyTorch's file: the model, its two stacks and two layers",
    "jtorch/ops/creation/random.py": (
        "every random operator, a schema and a few lines each; what draws stands in _random"
    ),
    "jtorch/ops/fft/fourier.py": "three primitives and the 22 public transforms made of them",
    "jtorch/ops/linalg/matmul.py": "every product of matrices, over one choice of precision",
    "jtorch/ops/nn/activations.py": "every activation of elements, some ten lines each",
    "jtorch/ops/nn/conv/convolution.py": (
        "one operator behind six functions: its checks, its gradient and the messages of both"
    ),
    "jtorch/ops/nn/embedding.py": "look-ups one by one and in bags share checks and gradients",
    "jtorch/ops/nn/loss/classification.py": "losses of classes share weights and reductions",
    "jtorch/utils/data/dataloader.py": (
        "PyTorch's file: the loader and its iterators, whose workers' protocol is one"
    ),
}


def line_count(path: str) -> int:
    """Return the number of lines of a file of the project."""
    with open(ROOT / path, encoding="utf-8") as file:
        return sum(1 for _ in file)


def too_long(counts: dict[str, int]) -> list[str]:
    """Return the files that are longer than the limit and have no reason."""
    return sorted(path for path, lines in counts.items() if lines > LIMIT and path not in REASONS)


@pytest.fixture(scope="module")
def counts() -> dict[str, int]:
    paths = [path.relative_to(ROOT).as_posix() for path in (ROOT / "jtorch").rglob("*.py")]
    return {path: line_count(path) for path in paths}


def test_each_long_file_has_a_reason(counts):
    assert too_long(counts) == []


def test_a_new_long_file_is_noticed():
    lengths = {"jtorch/new.py": LIMIT + 1, "jtorch/short.py": LIMIT, **dict.fromkeys(REASONS, 999)}
    assert too_long(lengths) == ["jtorch/new.py"]


@pytest.mark.parametrize("path", REASONS)
def test_each_reason_is_still_needed(counts, path):
    assert counts.get(path, 0) >= SHORT
