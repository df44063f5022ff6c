"""The state of an optimiser by the names of parameters rather than by their numbers."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from ...optim.optimizer import Optimizer

_Names = dict[torch.Tensor, list[str]]


def make_state(optimizer: Optimizer) -> None:
    """Let an optimiser without state make one, as a step does, without moving a parameter."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    if optimizer.state or any(p.grad is not None for p in parameters):
        return
    for parameter in parameters:
        if parameter.requires_grad:
            parameter.grad = torch.zeros_like(parameter)
    rates = [group.get("lr") for group in optimizer.param_groups]
    for group, rate in zip(optimizer.param_groups, rates):
        if rate is not None:
            group["lr"] = torch.tensor(0.0) if isinstance(rate, torch.Tensor) else 0.0
    optimizer.step(closure=None)
    for group, rate in zip(optimizer.param_groups, rates):
        if rate is not None:
            group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)


def by_name(state: dict[str, Any], optimizer: Optimizer, names: _Names) -> dict[str, Any]:
    """Return the state of an optimiser by names.

    Args:
        state: what its ``state_dict`` returned, by numbers.
        optimizer: the optimiser.
        names: of the parameters.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    named = {number: names[p][0] for number, p in enumerate(parameters) if p in names}
    return {
        "state": {named[number]: value for number, value in state["state"].items()},
        "param_groups": [
            {**group, "params": [named[number] for number in group["params"]]}
            for group in state["param_groups"]
        ],
    }


def _holds(state: dict[str, Any], name: str) -> bool:
    return any(name in group["params"] for group in state["param_groups"])


def _names_in(parameter: torch.Tensor, names: _Names, state: dict[str, Any]) -> list[str]:
    """Return the names of a parameter; of a shared one, those that a state has."""
    found = names[parameter]
    return found if len(found) == 1 else [name for name in found if _holds(state, name)]


def part_of(
    optimizer: Optimizer, state: dict[str, Any], names: _Names, strict: bool
) -> dict[str, Any]:
    """Return what belongs to one optimiser of the states of several, by names.

    Raises:
        RuntimeError: a parameter that needs a gradient has no state there.
        ValueError: a group without parameters is not the only one of its kind.
    """
    if state["state"] and all(isinstance(key, int) for key in state["state"]):
        return state
    values: dict[str, Any] = {}
    groups = []
    for group in optimizer.param_groups:
        chosen: dict[str, Any] = {"params": []}
        saved: Any = None
        for parameter in group["params"]:
            for name in _names_in(parameter, names, state):
                chosen["params"].append(name)
                if parameter.requires_grad:
                    if name in state["state"]:
                        values[name] = state["state"][name]
                    elif strict:
                        raise RuntimeError(
                            f"Missing optimizer state for parameter '{name}' in checkpoint. "
                            "The parameter requires gradients but has no saved optimizer state. "
                            "To load anyway, use StateDictOptions(strict=False)."
                        )
                saved = next(
                    (each for each in state["param_groups"] if name in each["params"]), saved
                )
        if not group["params"]:
            saved = _empty_group(optimizer, state)
        if saved is not None:
            chosen.update((key, value) for key, value in saved.items() if key != "params")
        groups.append(chosen)
    return {"state": values, "param_groups": groups}


def _empty_group(optimizer: Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    empty = [group for group in state["param_groups"] if not group["params"]]
    if len(empty) != 1:
        raise ValueError(
            "There are param groups that have zero parameters. "
            "In such a case, DSD only support exactly one param group "
            "with zero parameters."
            "But the loaded state_dict has zero or more than one param groups "
            "that have zero parameters."
        )
    if len(state["param_groups"]) != len(optimizer.param_groups):
        raise ValueError(
            "When there is a parameter group that has zero parameters, "
            "multiple optimizers are not supported."
        )
    return empty[0]


def flat(state: dict[str, Any]) -> dict[str, Any]:
    """Return a state by names as a flat dict: ``state.NAME.KEY``, ``param_groups.NAME.KEY``."""
    result: dict[str, Any] = {}

    def add(prefix: str, values: dict[str, Any]) -> None:
        for key, value in values.items():
            if isinstance(value, dict):
                add(f"{prefix}.{key}", value)
                continue
            if not isinstance(value, (torch.Tensor, int, float)):
                raise NotImplementedError(
                    "Flattening optimizer state_dict only supports "
                    "tensor, int, float, dict states now. "
                    f"Type is {type(value)}."
                )
            result[f"{prefix}.{key}"] = value

    for name, values in state["state"].items():
        add(f"state.{name}", values)
    for group in state["param_groups"]:
        for name in group["params"]:
            for key, value in group.items():
                if key != "params":
                    result[f"param_groups.{name}.{key}"] = value
    return result


def nested(optimizer: Optimizer, state: dict[str, Any], names: _Names) -> dict[str, Any]:
    """Return what ``flat`` made, for one optimiser, as it was before.

    Raises:
        RuntimeError: parameters of one group were saved with different settings.
    """
    values: dict[str, Any] = {}
    groups = []
    for group in optimizer.param_groups:
        settings = [key for key in group if key != "params"]
        chosen: dict[str, Any] = {"params": []}
        for parameter in group["params"]:
            for name in names[parameter]:
                if f"param_groups.{name}.{settings[0]}" not in state:
                    continue
                chosen["params"].append(name)
                if parameter.requires_grad:
                    values[name] = {
                        key: _unflattened(state, f"state.{name}.{key}")
                        for key in optimizer.state[parameter]
                    }
                for key in settings:
                    value = state[f"param_groups.{name}.{key}"]
                    if chosen.setdefault(key, value) != value:
                        raise RuntimeError(
                            "All the parameters in the same parameter group should have "
                            f"the same saved param_group value. But {name}.{key} "
                            f"is {value} while other(s) is {chosen[key]}."
                        )
        groups.append(chosen)
    return {"state": values, "param_groups": groups}


def _unflattened(state: dict[str, Any], key: str) -> Any:
    if key in state:
        return state[key]
    found: dict[str, Any] = {}
    for path, value in state.items():
        if path.startswith(f"{key}."):
            *above, last = path[len(key) + 1 :].split(".")
            inner = found
            for step in above:
                inner = inner.setdefault(step, {})
            inner[last] = value
    return found


def paths(state: dict[str, Any]) -> dict[Any, Any]:
    """Return a state by names as a flat dict by path; the settings of a group are one object."""
    result: dict[Any, Any] = {}

    def add(path: tuple, value: Any) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                add((*path, key), item)
        else:
            result[path] = value

    add(("state",), state.get("state", {}))
    for number, group in enumerate(state.get("param_groups", ())):
        for key, value in group.items():
            result["param_groups", number, key] = value
    return result


def from_paths(flat_state: dict[Any, Any]) -> dict[str, Any]:
    """Return what ``paths`` flattened."""
    state: dict[str, Any] = {}
    groups: dict[int, dict[str, Any]] = {}
    for path, value in flat_state.items():
        if path[0] == "param_groups":
            groups.setdefault(path[1], {})[path[2]] = value
            continue
        inner = state
        for step in path[1:-1]:
            inner = inner.setdefault(step, {})
        inner[path[-1]] = value
    return {"state": state, "param_groups": [groups[number] for number in sorted(groups)]}
