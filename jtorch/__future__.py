"""Switches for what modules do when they are converted: ``torch.__future__``."""

from __future__ import annotations

_overwrite = False
_swap = False


def set_overwrite_module_params_on_conversion(value: bool) -> None:
    """Tell whether a conversion gives a module new parameters instead of changing those it has."""
    global _overwrite
    _overwrite = value


def get_overwrite_module_params_on_conversion() -> bool:
    """Return whether a conversion gives a module new parameters."""
    return _overwrite


def set_swap_module_params_on_conversion(value: bool) -> None:
    """Tell whether conversions and ``load_state_dict`` swap tensors instead of changing them."""
    global _swap
    _swap = value


def get_swap_module_params_on_conversion() -> bool:
    """Return whether conversions and ``load_state_dict`` swap tensors."""
    return _swap
