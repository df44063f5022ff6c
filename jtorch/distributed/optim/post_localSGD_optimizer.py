"""An optimiser whose parameters are averaged every few steps."""

from __future__ import annotations

import warnings
from typing import Any

from ...optim.optimizer import Optimizer


class PostLocalSGDOptimizer(Optimizer):
    """Takes the steps of another optimiser, and averages parameters now and then.

    Args:
        optim: the other.
        averager: a ``ModelAverager``.
    """

    def __init__(self, optim: Optimizer, averager: Any):
        self.optim = optim
        self.param_groups = optim.param_groups
        self.averager = averager

    @property
    def state(self) -> Any:  # type: ignore[override]
        """The state of the other optimiser."""
        return self.optim.state

    def __repr__(self) -> str:
        return repr(self.optim)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the other optimiser, and the number of steps."""
        return {**self.optim.state_dict(), "step": self.averager.step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the state of the other optimiser, and the number of steps."""
        self.optim.load_state_dict(state_dict)
        if "step" not in state_dict:
            warnings.warn(
                "Loaded state dict does not contain a step counter for an averager. "
                "Setting step counter to 0.",
                stacklevel=2,
            )
        self.averager.step = state_dict.get("step", 0)

    def step(self) -> None:  # type: ignore[override]
        """Take a step, and average parameters if it is time."""
        self.optim.step()
        self.averager.average_parameters(params=self.param_groups)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear gradients."""
        self.optim.zero_grad(set_to_none=set_to_none)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters."""
        self.optim.add_param_group(param_group)
