"""The record of what ``__torch_function__`` is asked, held against the installed PyTorch."""

from __future__ import annotations

import json

from compat_tests.tensor.test_torch_function import RECORDED
from tools.record_goldens import dispatch


def test_the_record_is_what_pytorch_does():
    assert json.loads(json.dumps(dispatch.record())) == RECORDED
