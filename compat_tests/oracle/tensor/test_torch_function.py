"""The record of what ``__torch_function__`` is asked, held against the installed PyTorch."""

from __future__ import annotations

import json

import pytest

from compat_tests.tensor.test_torch_function import RECORDED


@pytest.mark.oracle
def test_the_record_is_what_pytorch_does():
    from tools.record_goldens import dispatch  # which imports PyTorch

    assert json.loads(json.dumps(dispatch.record())) == RECORDED
