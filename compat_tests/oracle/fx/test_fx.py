"""The record of ``torch.fx``'s texts, held against the installed PyTorch."""

from __future__ import annotations

import json

from compat_tests.fx.test_fx import RECORDED
from tools.record_goldens import fx


def test_the_record_is_what_pytorch_says():
    found = json.loads(json.dumps(fx.record()))
    assert found == RECORDED
