"""Tensors of a module by their full names, to look at and to replace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..._tensor.tensor import Tensor
from ..modules.module import Module

MISSING: Any = object()


def swap_tensor(module: Module, name: str, tensor: Any, allow_missing: bool = False) -> Any:
    """Put a tensor in the place of one of a module's, and return that.

    Args:
        module: the module.
        name: of the attribute, without dots.
        tensor: the new one; ``MISSING`` takes the attribute away.
        allow_missing: whether there may be none, for which ``MISSING`` is returned.
    Raises:
        KeyError: the name is none.
        AttributeError: there is no such attribute.
        TypeError: it is no tensor.
    """
    if tensor is not MISSING and tensor is not None and not isinstance(tensor, Tensor):
        raise TypeError(f"{tensor} is not an instance of torch.Tensor")
    if "." in name:
        raise KeyError('tensor name can\'t contain "."')
    if name == "":
        raise KeyError('tensor name can\'t be empty string ""')
    for members in (module._parameters, module._buffers):
        if name in members:
            before = members[name]
            if tensor is MISSING:
                del members[name]
            else:
                members[name] = tensor
            return before
    if not hasattr(module, name):
        if not allow_missing:
            raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
        before = MISSING
    else:
        before = getattr(module, name)
        if before is not None and not isinstance(before, Tensor):
            raise TypeError(f"attribute `{name}`: {before} is not an instance of torch.Tensor")
    if tensor is not MISSING:
        setattr(module, name, tensor)
    elif hasattr(module, name):
        delattr(module, name)
    return before


class NamedMemberAccessor:
    """Finds the tensors of a module and of those within it.

    Args:
        module: the module.
    """

    def __init__(self, module: Module) -> None:
        self.module = module
        self.memo: dict[str, Module] = {}

    def get_submodule(self, name: str) -> Module:
        """Return the module at a path of names with dots."""
        if not name:
            return self.module
        if name not in self.memo:
            path, _, last = name.rpartition(".")
            parent = self.get_submodule(path)
            try:
                submodule = getattr(parent, last)
            except AttributeError as error:
                raise AttributeError(f"{parent._get_name()} has no attribute `{last}`") from error
            if not isinstance(submodule, Module):
                raise TypeError(
                    f"submodule `{name}`: {submodule} is not an instance of torch.nn.Module"
                )
            self.memo[name] = submodule
        return self.memo[name]

    def swap_tensor(self, name: str, value: Any, allow_missing: bool = False) -> Any:
        """Put a tensor in the place of another, and return that."""
        path, _, last = name.rpartition(".")
        return swap_tensor(self.get_submodule(path), last, value, allow_missing)

    def swap_tensors_dict(
        self, named_tensors: dict[str, Any], allow_missing: bool = False
    ) -> tuple[dict[str, Any], list[str]]:
        """Put tensors in the place of others; all of them or, where that fails, none.

        Returns:
            The tensors that were there by name, and the names of those that were not.
        """
        before: dict[str, Any] = {}
        missing = []

        def restore() -> None:
            for name, tensor in before.items():
                self.swap_tensor(name, tensor, allow_missing=True)

        try:
            for name, tensor in named_tensors.items():
                previous = self.swap_tensor(name, tensor, allow_missing=True)
                if previous is MISSING:
                    missing.append(name)
                before[name] = previous
        except Exception:
            restore()
            raise
        if missing and not allow_missing:
            restore()
            raise RuntimeError(f"Missing key(s): {', '.join(map(repr, missing))}.")
        return before, missing

    def check_keys(self, keys: Iterable[str]) -> tuple[list[str], list[str]]:
        """Return the names that are missing from keys, and the keys that are no names."""
        given = set(keys)
        names = {name for name, _ in self.named_tensors(remove_duplicate=False)}
        return sorted(names - given), sorted(given - names)

    def named_tensors(self, remove_duplicate: bool = True) -> Iterable[tuple[str, Tensor]]:
        """Yield the parameters and buffers with their full names."""
        yield from self.module.named_parameters(remove_duplicate=remove_duplicate)
        yield from self.module.named_buffers(remove_duplicate=remove_duplicate)
