"""Objects that give and take their state: ``torch.distributed.checkpoint.stateful``."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar, runtime_checkable

__all__ = ["Stateful", "StatefulT"]


@runtime_checkable
class Stateful(Protocol):
    """What ``save`` and ``load`` call where an entry of the state dict has both methods."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state that is saved; called at loading, too, to be loaded into."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state that was loaded."""
        ...


StatefulT = TypeVar("StatefulT", bound=Stateful)
