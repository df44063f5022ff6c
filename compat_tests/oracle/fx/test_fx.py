"""The record of ``torch.fx``'s texts, held against the installed PyTorch."""

from __future__ import annotations

import json

import pytest

from compat_tests.fx.test_fx import RECORDED


@pytest.mark.oracle
def test_the_record_is_what_pytorch_says():
    from tools.record_goldens import fx  # which imports PyTorch

    found = json.loads(json.dumps(fx.record()))
    assert found == RECORDED
