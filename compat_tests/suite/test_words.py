"""Words that a reader could not search for stay out of jtorch's prose and names."""

from __future__ import annotations

import re
from collections import Counter

from compat_tests.helpers.paths import ROOT

BANNED = re.compile(
    r"(?<![^\W_])(anew|somebody|nobody|so\s+many|(its|their)\s+(kin|like))(?![^\W_])", re.I
)
#: How often they still stand in a file. Shorten it; nothing may be added.
ALLOWED: dict[str, int] = {
    "jtorch/_engine/backward/nodes.py": 1,
    "jtorch/_engine/backward/rematerialise.py": 3,
    "jtorch/_engine/backward/stages.py": 1,
    "jtorch/_engine/declare.py": 1,
    "jtorch/_engine/execution/compilation.py": 3,
    "jtorch/_engine/execution/donation.py": 2,
    "jtorch/_engine/execution/programs.py": 2,
    "jtorch/_engine/graph/cones.py": 1,
    "jtorch/_engine/graph/trie.py": 1,
    "jtorch/_engine/graph/values.py": 1,
    "jtorch/_engine/memory/adoption.py": 1,
    "jtorch/_engine/memory/from_host.py": 1,
    "jtorch/_engine/memory/host_memory.py": 1,
    "jtorch/_engine/memory/views.py": 3,
    "jtorch/_engine/recording/cutting.py": 2,
    "jtorch/_engine/recording/forking.py": 1,
    "jtorch/_engine/recording/record.py": 1,
    "jtorch/_engine/recording/signatures.py": 1,
    "jtorch/_engine/recording/storage.py": 2,
    "jtorch/_engine/recording/trace.py": 1,
    "jtorch/_launch/hook.py": 3,
    "jtorch/_random/_xla_words.py": 1,
    "jtorch/_random/summation.py": 1,
    "jtorch/compiler/__init__.py": 1,
    "jtorch/cuda/__init__.py": 1,
    "jtorch/ops/creation/creation.py": 4,
    "jtorch/ops/creation/random.py": 3,
    "jtorch/ops/linalg/common.py": 1,
    "jtorch/ops/linalg/lu.py": 1,
    "jtorch/ops/nn/dropout.py": 2,
    "jtorch/ops/nn/pool/adaptive.py": 4,
    "jtorch/ops/nn/rnn/packing.py": 1,
    "jtorch/ops/optim/foreach.py": 1,
    "jtorch/ops/optim/steps.py": 1,
    "jtorch/ops/pointwise/_messages.py": 1,
    "jtorch/ops/reduce/cumulative.py": 2,
    "jtorch/ops/reduce/softmax.py": 1,
    "jtorch/ops/reduce/summation.py": 1,
    "jtorch/ops/shape/_messages_joining.py": 1,
    "jtorch/ops/shape/inplace.py": 1,
    "jtorch/ops/shape/joining.py": 1,
    "jtorch/ops/shape/reshaping.py": 1,
    "jtorch/ops/shape/split.py": 1,
    "jtorch/ops/shape/views.py": 1,
    "jtorch/optim/_adafactor.py": 1,
    "jtorch/optim/_common.py": 1,
    "jtorch/optim/_muon.py": 1,
    "jtorch/optim/_optax.py": 1,
    "jtorch/optim/_scheduler_base.py": 1,
    "jtorch/optim/_scheduler_formulas.py": 1,
    "jtorch/optim/adadelta.py": 1,
    "jtorch/optim/adagrad.py": 1,
    "jtorch/optim/adam.py": 1,
    "jtorch/optim/adamax.py": 1,
    "jtorch/optim/asgd.py": 1,
    "jtorch/optim/lbfgs.py": 1,
    "jtorch/optim/nadam.py": 1,
    "jtorch/optim/optimizer.py": 1,
    "jtorch/optim/radam.py": 1,
    "jtorch/optim/rmsprop.py": 1,
    "jtorch/optim/rprop.py": 1,
    "jtorch/optim/sgd.py": 1,
    "jtorch/optim/sparse_adam.py": 1,
    "jtorch/optim/swa_utils.py": 1,
    "jtorch/random.py": 1,
    "jtorch/serialization/_map_location.py": 1,
    "jtorch/serialization/_messages.py": 1,
    "jtorch/serialization/_pickler.py": 1,
    "jtorch/serialization/_zip_reader.py": 1,
}


def count_banned_words() -> Counter[str]:
    """Count them in every source file and in the documents of the project."""
    files = [*(ROOT / "jtorch").rglob("*.py"), *(ROOT / "examples").glob("*.py"),
             *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]  # fmt: skip
    counts: Counter[str] = Counter()
    for file in files:
        # A sentence may go on behind the mark of a comment's next line.
        text = re.sub(r"\n\s*#:?", "\n", file.read_text(encoding="utf-8"))
        if count := len(BANNED.findall(text)):
            counts[file.relative_to(ROOT).as_posix()] = count
    return counts


def test_banned_words_are_seen():
    assert BANNED.findall("drawn anew, so\nmany; somebody_else") != []
    assert len(BANNED.findall("anew so many nobody its kin")) == 4
    assert BANNED.findall("renewed; manyfold, so much, itskin") == []


def test_files_are_found():
    """A folder that moved would leave nothing to count."""
    assert {path.partition("/")[0] for path in ALLOWED} <= {
        "jtorch",
        "examples",
        "docs",
        "README.md",
    }
    assert [path for path in ALLOWED if not (ROOT / path).exists()] == []


def test_banned_words_do_not_spread():
    assert count_banned_words() - Counter(ALLOWED) == Counter()
