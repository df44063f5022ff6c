"""State dicts that do not say how a model is wrapped: ``checkpoint.state_dict``.

Names lack what wrappers add. The state of an optimiser is by the names of parameters, so that it
fits whatever number of processes, and tensors may be asked for whole.
"""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import jtorch as torch

from ... import distributed as dist
from ...nn.modules.module import Module
from ...optim.optimizer import Optimizer
from . import _optimizer_state as _optimizers
from . import _state_dict_values as _values
from ._state_dict_names import ExtraState, clean_name, values_of

__all__ = [
    "StateDictOptions",
    "get_model_state_dict",
    "get_optimizer_state_dict",
    "get_state_dict",
    "set_model_state_dict",
    "set_optimizer_state_dict",
    "set_state_dict",
]


@dataclass
class StateDictOptions:
    """How state dicts are made and loaded.

    Attributes:
        full_state_dict: whether tensors are whole, not distributed.
        cpu_offload: whether they are on the CPU; with ``full_state_dict`` on rank 0 only, and the
            dicts of the other ranks are empty.
        ignore_frozen_params: whether parameters that need no gradient are left out.
        keep_submodule_prefixes: whether the names of parameters of ``submodules`` begin at the
            model.
        strict: whether names have to be the same when a state dict is loaded.
        broadcast_from_rank0: whether only rank 0 has the whole tensors to load.
        flatten_optimizer_state_dict: whether the state of an optimiser is a flat dict.
        dsd_fqn_modifiers: name of a method of modules; has no effect.
    """

    full_state_dict: bool = False
    cpu_offload: bool = False
    ignore_frozen_params: bool = False
    keep_submodule_prefixes: bool = True
    strict: bool = True
    broadcast_from_rank0: bool = False
    flatten_optimizer_state_dict: bool = False
    dsd_fqn_modifiers: str = "_fqn_modifiers"


@dataclass
class _Info:
    """What both ways need to know of a model."""

    options: StateDictOptions
    names: dict[torch.Tensor, list[str]] = field(default_factory=dict)
    prefixes: set[str] = field(default_factory=set)
    needs_model: bool = True
    needs_optimizer: bool = False
    sharded: Callable[[], Any] = contextlib.nullcontext


_patched: set[Callable] = set()


def _examine(
    model: Module,
    optimizers: tuple[Optimizer, ...],
    optimizer_only: bool,
    submodules: set[Module] | None = None,
    options: StateDictOptions | None = None,
) -> _Info:
    if submodules:
        warnings.warn(
            "Getting submodules only model/optim state_dict is deprecated and "
            "will be removed in 2.5. This feature can be achieved by manually "
            "filtering out the state_dict returned from get_state_dict.",
            FutureWarning,
            stacklevel=3,
        )
    if optimizer_only and not optimizers:
        raise RuntimeError("Optimizers are not passed in but optim_only is set to True.")
    options = options or StateDictOptions()
    if options.broadcast_from_rank0 and not options.full_state_dict:
        raise ValueError("full_state_dict must be True when broadcast_from_rank0 is True.")
    info = _Info(options, needs_model=not optimizer_only, needs_optimizer=len(optimizers) > 0)
    for name, value in values_of(model):
        if not isinstance(value, ExtraState):
            info.names.setdefault(value, []).append(clean_name(model, name))
    for name, module in model.named_modules():
        if submodules and module in submodules:
            info.prefixes.add(f"{clean_name(model, name)}.")
        if hasattr(module, "_sharded_state_dicts"):
            info.sharded = functools.partial(module._sharded_state_dicts, model)
    return info


def _check(model_state: dict[str, Any], optimizer_state: dict[str, Any], info: _Info) -> None:
    """Raise a ``RuntimeError`` where a state dict that is needed is empty."""
    options = info.options
    may_be_empty = (options.cpu_offload and options.full_state_dict) or options.broadcast_from_rank0
    if (
        info.needs_model
        and not model_state
        and not info.prefixes
        and not options.ignore_frozen_params
        and options.strict
        and not may_be_empty
    ):
        rank = dist.get_rank() if dist.is_available() and dist.is_initialized() else 0
        raise RuntimeError(
            "The option indicates that model state_dict is required to save "
            "or load, but model state_dict is empty."
            f"rank = dist.get_rank()={rank}."
        )
    if info.needs_optimizer and not optimizer_state and not may_be_empty:
        raise RuntimeError(
            "The option indicates that model state_dict is required to save, "
            f"or load but optim state_dict is empty. {optimizer_state}"
        )


def _own(obj: Any, method: str) -> Callable:
    """Return a method, the one of the class where the object's was replaced by this module."""
    found = getattr(obj, method)
    return functools.partial(getattr(type(obj), method), obj) if found in _patched else found


def _finished(state_dict: dict[str, Any], info: _Info) -> dict[str, Any]:
    if info.options.full_state_dict:
        return _values.gathered(state_dict, info.options.cpu_offload)
    return _values.offloaded(state_dict) if info.options.cpu_offload else state_dict


@torch.no_grad()
def _model_state(model: Module, info: _Info) -> dict[str, Any]:
    if not info.needs_model:
        return {}
    with info.sharded():
        found = _own(model, "state_dict")()
    state = {clean_name(model, key): value for key, value in found.items()}
    if info.prefixes:
        keep = info.options.keep_submodule_prefixes
        state = {
            key if keep else key[len(prefix) :]: value
            for key, value in state.items()
            for prefix in info.prefixes
            if key.startswith(prefix)
        }
    if info.options.ignore_frozen_params:
        for key, parameter in model.named_parameters():
            if not parameter.requires_grad:
                state.pop(clean_name(model, key), None)
    return _finished(state, info)


@torch.no_grad()
def _load_model(model: Module, state: dict[str, Any], info: _Info) -> Any:
    options = info.options
    result = torch.nn.modules.module._IncompatibleKeys
    if not info.needs_model or (not state and not options.broadcast_from_rank0):
        return result([], [])
    has_state = not options.broadcast_from_rank0 or dist.get_rank() == 0
    state = dict(state)
    targets = {}
    for key, value in values_of(model):
        plain = clean_name(model, key)
        wrapped = clean_name(model, key, keep_ddp=True, keep_compiled=True)
        if has_state and plain != wrapped:
            if plain in state:
                state[wrapped] = state.pop(plain)
            elif options.strict:
                raise RuntimeError(f"Missing key: {plain}.")
        targets[wrapped] = value
    assign = False
    if options.full_state_dict:
        devices = {
            value.device
            for value in targets.values()
            if isinstance(value, torch.Tensor) and value.dim() > 0
        }
        assign = torch.device("meta") in devices
        if len(devices - {torch.device("meta")}) > 1:
            raise ValueError("Multiple devices found")
        if options.broadcast_from_rank0:
            _values.broadcast(state, targets, options.strict)
            state = targets
        else:
            _values.distribute(state, targets)
            state.update((key, value) for key, value in targets.items() if key in state)
    with info.sharded():
        return _own(model, "load_state_dict")(
            state_dict=state, strict=options.strict, assign=assign
        )


@torch.no_grad()
def _optimizer_state(
    model: Module, optimizers: tuple[Optimizer, ...], info: _Info
) -> dict[str, Any]:
    if not info.needs_optimizer:
        return {}
    merged: dict[str, Any] = {"state": {}, "param_groups": []}
    for optimizer in optimizers:
        _optimizers.make_state(optimizer)
        named = _optimizers.by_name(_own(optimizer, "state_dict")(), optimizer, info.names)
        states = named["state"].items()
        # PyTorch gives those of FullyShardedDataParallel in the order of names.
        fsdp = info.sharded is not contextlib.nullcontext
        merged["state"].update(sorted(states) if fsdp else states)
        merged["param_groups"] += named["param_groups"]
    if info.options.flatten_optimizer_state_dict:
        merged = _optimizers.flat(merged)
    return _finished(merged, info)


@torch.no_grad()
def _load_optimizers(
    model: Module, optimizers: tuple[Optimizer, ...], state: dict[str, Any], info: _Info
) -> None:
    if not info.needs_optimizer:
        return
    options = info.options
    for optimizer in optimizers:
        _optimizers.make_state(optimizer)
        mine: dict[str, Any] = {}
        if state and "state" not in state:
            mine = _optimizers.nested(optimizer, state, info.names)
        elif state:
            mine = _optimizers.part_of(optimizer, state, info.names, options.strict)
        if options.full_state_dict:
            targets = _optimizers.by_name(_own(optimizer, "state_dict")(), optimizer, info.names)
            mine = _placed_state(mine, targets, options.broadcast_from_rank0)
        _own(optimizer, "load_state_dict")(state_dict=mine)


def _placed_state(
    whole: dict[str, Any], targets: dict[str, Any], from_rank0: bool
) -> dict[str, Any]:
    """Return the state of an optimiser with the boxes of whole tensors that belong here."""
    flat_targets = _optimizers.paths(targets)
    flat_whole = _optimizers.paths(whole)
    if from_rank0:
        _values.broadcast(flat_whole, flat_targets)
    else:
        _values.distribute(flat_whole, flat_targets)
        for path, value in flat_whole.items():
            flat_targets.setdefault(path, value)
    return _optimizers.from_paths(flat_targets)


def _tuple_of(optimizers: Optimizer | Iterable[Optimizer]) -> tuple[Optimizer, ...]:
    return (optimizers,) if isinstance(optimizers, Optimizer) else tuple(optimizers)


def get_model_state_dict(
    model: Module,
    *,
    submodules: set[Module] | None = None,
    options: StateDictOptions | None = None,
) -> dict[str, Any]:
    """Return the parameters and buffers of a model, by names without wrappers.

    Args:
        model: with or without wrappers.
        submodules: of which alone; deprecated.
        options: how.
    """
    info = _examine(model, (), False, submodules, options)
    state = _model_state(model, info)
    _check(state, {}, info)
    return state


def get_optimizer_state_dict(
    model: Module,
    optimizers: Optimizer | Iterable[Optimizer],
    *,
    submodules: set[Module] | None = None,
    options: StateDictOptions | None = None,
) -> dict[str, Any]:
    """Return the state of optimisers, by names of parameters.

    An optimiser without state makes one, by a step with a learning rate and gradients of zero.

    Args:
        model: whose parameters they have.
        optimizers: one or several.
        submodules: has no effect; deprecated.
        options: how.
    """
    chosen = _tuple_of(optimizers)
    info = _examine(model, chosen, True, submodules, options)
    state = _optimizer_state(model, chosen, info)
    _check({}, state, info)
    return state


def get_state_dict(
    model: Module,
    optimizers: Optimizer | Iterable[Optimizer],
    *,
    submodules: set[Module] | None = None,
    options: StateDictOptions | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what ``get_model_state_dict`` and ``get_optimizer_state_dict`` return."""
    chosen = _tuple_of(optimizers)
    info = _examine(model, chosen, False, submodules, options)
    model_state = _model_state(model, info)
    optimizer_state = _optimizer_state(model, chosen, info)
    _check(model_state, optimizer_state, info)
    return model_state, optimizer_state


def _with_prefixes(model: Module, state: dict[Any, Any]) -> dict[str, Any]:
    """Return a state dict by names, given one by modules, which is deprecated."""
    if not state or not isinstance(next(iter(state)), Module):
        return state
    warnings.warn(
        "Passing model_state_dict as a ``Dict[nn.Module, Dict[str, Any]]``"
        "is deprecated and will be removed in 2.5. If you need this "
        "feature, please preprocess the model_state_dict to achieve the "
        "same functionality.",
        FutureWarning,
        stacklevel=3,
    )
    return {
        f"{clean_name(model, name)}.{key}": value
        for submodule, inner in state.items()
        for name, module in model.named_modules()
        if module is submodule
        for key, value in inner.items()
    }


def set_model_state_dict(
    model: Module,
    model_state_dict: dict[str, Any],
    *,
    options: StateDictOptions | None = None,
) -> Any:
    """Load parameters and buffers by names without wrappers.

    Args:
        model: with or without wrappers.
        model_state_dict: what ``get_model_state_dict`` returned.
        options: how.
    Returns:
        The names that are missing, and those that are not expected.
    """
    state = _with_prefixes(model, model_state_dict)
    info = _examine(model, (), False, None, options)
    _check(state, {}, info)
    return _load_model(model, state, info)


def set_optimizer_state_dict(
    model: Module,
    optimizers: Optimizer | Iterable[Optimizer],
    optim_state_dict: dict[str, Any],
    *,
    options: StateDictOptions | None = None,
) -> None:
    """Load the state of optimisers by names of parameters.

    Args:
        model: whose parameters they have.
        optimizers: one or several, of whose state the dict may hold more.
        optim_state_dict: what ``get_optimizer_state_dict`` returned.
        options: how.
    """
    chosen = _tuple_of(optimizers)
    info = _examine(model, chosen, True, None, options)
    _check({}, optim_state_dict, info)
    _load_optimizers(model, chosen, optim_state_dict, info)


def set_state_dict(
    model: Module,
    optimizers: Optimizer | Iterable[Optimizer],
    *,
    model_state_dict: dict[str, Any],
    optim_state_dict: dict[str, Any],
    options: StateDictOptions | None = None,
) -> Any:
    """Load what ``get_state_dict`` returned.

    Returns:
        What ``set_model_state_dict`` returns.
    """
    state = _with_prefixes(model, model_state_dict)
    chosen = _tuple_of(optimizers)
    info = _examine(model, chosen, not state, None, options)
    _check(state, optim_state_dict, info)
    _load_optimizers(model, chosen, optim_state_dict, info)
    return _load_model(model, state, info)


def _patch(obj: Any, get: Callable[[], Any], set_: Callable[[Any], Any]) -> None:
    obj.state_dict, obj.load_state_dict = get, set_
    _patched.update((get, set_))


def _patch_model_state_dict(model: Module, *, options: StateDictOptions | None = None) -> None:
    """Make the methods of a model those of this module."""
    _patch(
        model,
        lambda: get_model_state_dict(model, options=options),
        lambda state_dict: set_model_state_dict(model, state_dict, options=options),
    )


def _patch_optimizer_state_dict(
    model: Module,
    *,
    optimizers: Optimizer | tuple[Optimizer, ...],
    options: StateDictOptions | None = None,
) -> None:
    """Make the methods of optimisers those of this module, each for all of them."""
    chosen = _tuple_of(optimizers)
    for optimizer in chosen:
        _patch(
            optimizer,
            lambda: get_optimizer_state_dict(model, chosen, options=options),
            lambda state_dict: set_optimizer_state_dict(model, chosen, state_dict, options=options),
        )
