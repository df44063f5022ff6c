"""Anomaly mode: look for NaN in every gradient."""

from __future__ import annotations

import warnings
from typing import Any

from .._engine.backward.usual import anomaly


class set_detect_anomaly:
    """Switch anomaly mode on or off, at once and until the ``with`` block ends.

    Args:
        mode: whether it is on.
        check_nan: whether a NaN in a gradient raises.
    """

    __module__ = "torch.autograd.anomaly_mode"

    def __init__(self, mode: bool, check_nan: bool = True):
        self._before = (anomaly.enabled, anomaly.check_nan)
        anomaly.enabled = mode
        anomaly.check_nan = check_nan

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: Any) -> None:
        anomaly.enabled, anomaly.check_nan = self._before


class detect_anomaly(set_detect_anomaly):
    """Look for NaN in every gradient of the ``with`` block; a backward pass is slow there."""

    __module__ = "torch.autograd.anomaly_mode"

    def __init__(self, check_nan: bool = True):
        self._before = (anomaly.enabled, anomaly.check_nan)
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should "
            "only be enabled for debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        anomaly.enabled = True
        anomaly.check_nan = self.check_nan


def is_anomaly_enabled() -> bool:
    """Return whether anomaly mode is on."""
    return anomaly.enabled
