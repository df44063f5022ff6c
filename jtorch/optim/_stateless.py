"""An optimiser whose parameters and state are others for a while."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from .._tensor.tensor import Tensor
from .optimizer import Optimizer

__all__ = ["swap_in_optimizer_params_and_state"]

_NAME = "swap_in_optimizer_params_and_state"


def _checked_state(state: Any) -> dict[Any, Any]:
    if not isinstance(state, dict):
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['state'] to be a dict mapping packed parameter "
            f"ids to per-param state dicts, got {type(state).__name__}."
        )
    if any(isinstance(key, Tensor) for key in state):
        raise RuntimeError(
            f"{_NAME} requires optimizer.state_dict()-style state keyed by packed parameter ids."
        )
    if any(isinstance(key, int) and not isinstance(v, dict) for key, v in state.items()):
        raise RuntimeError(
            f"{_NAME} requires per-parameter optimizer state entries to be dictionaries."
        )
    return state


def _checked_group(index: int, group: dict[str, Any], given: Any) -> list[int]:
    if not isinstance(given, dict):
        raise RuntimeError(f"{_NAME} requires each optimizer param group to be a dictionary.")
    places = given.get("params")
    if not isinstance(places, list) or not all(isinstance(place, int) for place in places):
        raise RuntimeError(
            f"{_NAME} requires optimizer.state_dict()-style param_groups[*]['params'] entries "
            "keyed by packed parameter ids."
        )
    if len(group["params"]) != len(places):
        raise RuntimeError(
            f"swapin_optim_state param group {index} has a different number of params than the "
            "live optimizer param group."
        )
    only_given = [key for key in given if key not in group]
    only_live = [key for key in group if key not in given]
    if only_given or only_live:
        raise RuntimeError(
            f"{_NAME} requires optimizer.state_dict()-style param group keys to exactly match the "
            f"live optimizer group keys for group {index}. Keys only in swap-in: {only_given}. "
            f"Keys only in live: {only_live}."
        )
    return places


def _prepared(
    optimizer: Optimizer, parameters: dict[str, Any], optim_state: Any
) -> tuple[dict[Any, Any], list[tuple[dict, dict, list]]]:
    if not optimizer.state:
        raise RuntimeError(f"{_NAME} requires initialized optimizer state.")
    if not isinstance(optim_state, dict):
        raise RuntimeError(f"{_NAME} requires a DCP-style optimizer state_dict.")
    state = _checked_state(optim_state.get("state"))
    groups = optim_state.get("param_groups")
    if not isinstance(groups, list):
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['param_groups'] to be a list of param-group "
            f"dicts, got {type(groups).__name__}."
        )
    if len(optimizer.param_groups) != len(groups):
        raise RuntimeError(
            "swapin_optim_state has a different number of parameter groups than the live optimizer."
        )
    flat = list(parameters.values())
    offset = 0
    known: set[int] = set()
    swaps = []
    for index, (group, given) in enumerate(zip(optimizer.param_groups, groups, strict=True)):
        places = _checked_group(index, group, given)
        known.update(places)
        if offset + len(places) > len(flat):
            raise RuntimeError(
                f"{_NAME} requires the explicit parameter state to match optimizer.param_groups "
                "ordering."
            )
        swaps.append((group, given, flat[offset : offset + len(places)]))
        offset += len(places)
    extra = [key for key in state if key not in known]
    if extra:
        raise RuntimeError(
            f"{_NAME} requires swapin_optim_state['state'] to be keyed only by packed parameter "
            f"ids from param_groups[*]['params']; got extra keys {extra!r}."
        )
    return state, swaps


@contextlib.contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Optimizer, swapin_parameters: dict[str, Any], swapin_optim_state: dict[str, Any]
) -> Iterator[None]:
    """Let an optimiser work on other parameters with another state inside a ``with`` block.

    Args:
        optimizer: an optimiser that has made a step.
        swapin_parameters: the other parameters by name, in the order of the groups.
        swapin_optim_state: what ``state_dict()`` of such an optimiser returns.
    Raises:
        RuntimeError: the state does not fit the optimiser.
    """
    state, swaps = _prepared(optimizer, swapin_parameters, swapin_optim_state)
    before = optimizer.state
    snapshots = [dict(group) for group in optimizer.param_groups]
    try:
        other: defaultdict[Any, Any] = defaultdict(dict)
        for group, given, params in swaps:
            group["params"] = params
            group.update({key: value for key, value in given.items() if key != "params"})
            for param, place in zip(params, given["params"], strict=True):
                other[param] = dict(state.get(place, {}))
        optimizer.state = other
        yield
    finally:
        for group, snapshot in zip(optimizer.param_groups, snapshots, strict=True):
            group.clear()
            group.update(snapshot)
        optimizer.state = before


swap_in_optimizer_params_and_state.__module__ = "torch.optim"
