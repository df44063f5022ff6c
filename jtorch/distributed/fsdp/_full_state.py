"""State dicts of wrapped modules: whole, distributed, or of this process alone."""

from __future__ import annotations

from typing import Any

from ... import distributed as dist
from ...nn.modules.module import Module
from ..checkpoint import _optimizer_state, _state_dict_values
from ..checkpoint._boxes import is_distributed
from ..checkpoint._state_dict_names import ExtraState, clean_name, values_of
from .api import StateDictSettings, StateDictType

_PREFIX = "_fsdp_wrapped_module."


def after_state_dict(
    module: Any, state_dict: dict[str, Any], prefix: str, *args: Any
) -> dict[str, Any]:
    """Rename the entries of a wrapped module, and make them what its type says."""
    settings: StateDictSettings = module._settings
    kind, config = settings.state_dict_type, settings.state_dict_config
    dropped = getattr(config, "rank0_only", False) and dist.get_rank() != 0
    for key in [key for key in state_dict if key.startswith(prefix)]:
        value = state_dict.pop(key)
        if is_distributed(value):
            if kind is StateDictType.FULL_STATE_DICT:
                value = value.full_tensor().detach()
            elif kind is StateDictType.LOCAL_STATE_DICT:
                value = value.to_local().detach()
        if config.offload_to_cpu and hasattr(value, "cpu") and not is_distributed(value):
            value = value.cpu()
        if not dropped:
            name = key[len(prefix) :]
            state_dict[prefix + name.replace(_PREFIX, "")] = value
    return state_dict


def before_load(module: Any, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
    """Name the entries of a wrapped module as it does, and cut whole ones."""
    inner = module._fsdp_wrapped_module
    own = dict(values_of(inner))
    for name, target in own.items():
        # What lies in a wrapper within is renamed by that one.
        first, dot, rest = name.partition(_PREFIX)
        key = prefix + (first + rest if dot else name).replace(_PREFIX, "")
        if key not in state_dict:
            continue
        value = state_dict.pop(key)
        if is_distributed(target) and not is_distributed(value):
            if module._settings.state_dict_type is StateDictType.LOCAL_STATE_DICT:
                value = _state_dict_values.like(target, value)
            else:
                value = _state_dict_values.placed(value, target)
        # Down to the next wrapper, whose own hook goes on from there.
        state_dict[prefix + _PREFIX + first + rest.replace(_PREFIX, "")] = value


def _names(model: Module) -> dict[Any, list[str]]:
    found: dict[Any, list[str]] = {}
    for name, value in values_of(model):
        if not isinstance(value, ExtraState):
            found.setdefault(value, []).append(clean_name(model, name))
    return found


def optimizer_state(
    model: Module, optimizer: Any, state: dict[str, Any] | None, settings: StateDictSettings
) -> dict[str, Any]:
    """Return the state of an optimiser by names, whole or distributed."""
    state = optimizer.state_dict() if state is None else state
    named = _optimizer_state.by_name(state, optimizer, _names(model))
    named["state"] = dict(sorted(named["state"].items()))
    if settings.state_dict_type is not StateDictType.FULL_STATE_DICT:
        return named
    whole = _state_dict_values.gathered(named, cpu_offload=False)
    config = settings.optim_state_dict_config
    if getattr(config, "rank0_only", False) and dist.get_rank() != 0:
        return {}
    return whole


def to_load(model: Module, optimizer: Any, state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of an optimiser by numbers, of this process' shards."""
    names = _names(model)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    numbers = {name: number for number, p in enumerate(parameters) for name in names[p]}
    values: dict[int, Any] = {}
    for name, value in state["state"].items():
        target = parameters[numbers[name]]

        def cut(tensor: Any, target: Any = target) -> Any:
            if is_distributed(tensor) or not is_distributed(target):
                return tensor
            if tensor.size() != target.size():
                return tensor
            return _state_dict_values.placed(tensor, target)

        values[numbers[name]] = _state_dict_values.map_tensors(cut, value)
    groups = [
        {**group, "params": [numbers[name] for name in group["params"]]}
        for group in state["param_groups"]
    ]
    return {"state": values, "param_groups": groups}
