"""What the tests of a device share: the library, and the device that they run on."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="session")
def device(torch: ModuleType) -> Any:
    """Return the device: ``cuda:0``, which is real or the stand-in (``--device``)."""
    if not torch.cuda.is_available():
        pytest.fail("no CUDA device; --device stand-in lets a second one of the host stand in")
    return torch.device("cuda", 0)
