"""Names of ``torch.distributed`` that libraries import, each of which must be there.

``imported_names.txt`` lists what accelerate, diffusers, lightning, monai, peft, pytorch-ignite,
sentence-transformers, speechbrain, tensordict, torchmetrics, torchrl, transformers and ultralytics
import, a module and a name on each line.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

NAMES = Path(__file__).with_name("imported_names.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("line", NAMES)
def test_a_name_that_libraries_import_is_there(line):
    path, _, name = line.replace("torch.", "jtorch.", 1).partition(" ")
    module = importlib.import_module(path)
    if name and not hasattr(module, name):
        importlib.import_module(f"{path}.{name}")
