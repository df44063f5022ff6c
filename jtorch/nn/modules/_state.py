"""``state_dict`` and ``load_state_dict`` of one module."""

from __future__ import annotations

import itertools
import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Mapping
from typing import Any

import jtorch as torch

from ... import __future__ as conversion
from ..._tensor.tensor import Tensor
from ..parameter import Parameter, is_lazy

EXTRA_STATE = "_extra_state"

_Keys = namedtuple("_Keys", ["missing_keys", "unexpected_keys"])


class IncompatibleKeys(_Keys):
    """The keys that a module wanted in vain, and those that it had no use for."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


IncompatibleKeys.__module__ = "torch.nn.modules.module"
IncompatibleKeys.__name__ = IncompatibleKeys.__qualname__ = "_IncompatibleKeys"


def load_own_state(
    module: Any,
    state_dict: Mapping[str, Any],
    prefix: str,
    local_metadata: dict[str, Any],
    strict: bool,
    missing_keys: list[str],
    unexpected_keys: list[str],
    error_msgs: list[str],
) -> None:
    """Copy the parameters, buffers and extra state of one module, not of those within it.

    Args:
        module: the module.
        state_dict: what to load, of this module and those within.
        prefix: of the module's keys.
        local_metadata: what was saved of this module, and ``assign_to_params_buffers``.
        strict: whether keys that are missing or unexpected are noted.
        missing_keys, unexpected_keys, error_msgs: lists that are added to.
    """
    persistent = {
        name: buffer
        for name, buffer in module._buffers.items()
        if name not in module._non_persistent_buffers_set
    }
    own = {
        name: tensor
        for name, tensor in itertools.chain(module._parameters.items(), persistent.items())
        if tensor is not None
    }
    assign = local_metadata.get("assign_to_params_buffers", False)
    for name, tensor in own.items():
        key = prefix + name
        if key in state_dict:
            problem = _load_tensor(module, name, key, tensor, state_dict[key], assign)
            if problem is not None:
                error_msgs.append(problem)
        elif strict:
            missing_keys.append(key)
    extra_key = prefix + EXTRA_STATE
    base: Any = torch.nn.Module
    if type(module).set_extra_state is not base.set_extra_state:
        if extra_key in state_dict:
            module.set_extra_state(state_dict[extra_key])
        elif strict:
            missing_keys.append(extra_key)
    elif strict and extra_key in state_dict:
        unexpected_keys.append(extra_key)
    if not strict:
        return
    for key in state_dict:
        if key.startswith(prefix) and key != extra_key:
            first, *inner = key[len(prefix) :].split(".", 1)
            if first not in (module._modules if inner else own):
                unexpected_keys.append(key)


def _load_tensor(
    module: Any, name: str, key: str, tensor: Any, given: Any, assign: bool
) -> str | None:
    """Load one parameter or buffer; return what went wrong."""
    if not isinstance(given, Tensor):
        return (
            f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like '
            f"object from checkpoint but received {type(given)}"
        )
    if not is_lazy(tensor):
        if len(tensor.shape) == 0 and len(given.shape) == 1 and given.shape[0] == 1:
            given = given[0]  # files of PyTorch before 0.3.1 hold numbers as one element
        if given.shape != tensor.shape:
            return (
                f"size mismatch for {key}: copying a param with shape {given.shape} from "
                f"checkpoint, the shape in current model is {tensor.shape}."
            )
    if tensor.is_meta and not given.is_meta and not assign:
        warnings.warn(
            f"for {key}: copying from a non-meta parameter in the checkpoint to a meta parameter "
            "in the current model, which is a no-op. (Did you mean to pass `assign=True` to assign "
            "items in the state dictionary to their corresponding key in the module instead of "
            "copying them in place?)",
            stacklevel=5,
        )
    swaps = conversion.get_swap_module_params_on_conversion()
    try:
        with torch.no_grad():
            if swaps:
                _swap(tensor, given, assign)
            elif assign:
                setattr(module, name, _as_kind_of(tensor, given))
            else:
                tensor.copy_(given)
    except Exception as error:
        return (
            f'While {"swapping" if swaps else "copying"} the parameter named "{key}", whose '
            f"dimensions in the model are {tensor.size()} and whose dimensions in the checkpoint "
            f"are {given.size()}, an exception occurred : {error.args}."
        )
    return None


def _as_kind_of(tensor: Any, given: Any) -> Any:
    """Return the tensor to put in the place of another, a parameter where that is one."""
    if not isinstance(tensor, Parameter):
        return given
    if not isinstance(given, Parameter):
        return Parameter(given, requires_grad=tensor.requires_grad)
    return given.requires_grad_(tensor.requires_grad)


def _swap(tensor: Any, given: Any, assign: bool) -> None:
    new = tensor.module_load(given, assign=assign)
    if new is given or new is tensor:
        raise RuntimeError(
            "module_load returned one of self or other, please .detach() the result if returning "
            "one of the inputs in module_load"
        )
    torch.utils.swap_tensors(tensor, _as_kind_of(tensor, new))


def load_state(
    module: Any, state_dict: Mapping[str, Any], strict: bool, assign: bool
) -> IncompatibleKeys:
    """Load a module and all within it.

    Raises:
        TypeError: ``state_dict`` is no mapping.
        RuntimeError: shapes differ, or ``strict`` and the keys do.
    """
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
    missing: list[str] = []
    unexpected: list[str] = []
    errors: list[str] = []
    metadata = getattr(state_dict, "_metadata", None)
    state: Any = OrderedDict(state_dict)
    if metadata is not None:
        state._metadata = metadata

    def load(child: Any, own: Mapping[str, Any], prefix: str) -> None:
        local = {} if metadata is None else metadata.get(prefix[:-1], {})
        if assign:
            local["assign_to_params_buffers"] = assign
        child._load_from_state_dict(own, prefix, local, True, missing, unexpected, errors)
        for name, inner in child._modules.items():
            if inner is not None:
                start = f"{prefix}{name}."
                part = {key: value for key, value in own.items() if key.startswith(start)}
                load(inner, part, start)
        incompatible = IncompatibleKeys(missing, unexpected)
        for hook in child._load_state_dict_post_hooks.values():
            if hook(child, incompatible) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected "
                    "to return new values, if incompatible_keys need to be modified, it should be "
                    "done inplace."
                )

    load(module, state, "")
    if strict:
        for kind, keys in (("Unexpected", unexpected), ("Missing", missing)):
            if keys:
                listed = ", ".join(f'"{key}"' for key in keys)
                errors.insert(0, f"{kind} key(s) in state_dict: {listed}. ")
    if errors:
        listed = "\n\t".join(errors)
        raise RuntimeError(
            f"Error(s) in loading state_dict for {module.__class__.__name__}:\n\t{listed}"
        )
    return IncompatibleKeys(missing, unexpected)
