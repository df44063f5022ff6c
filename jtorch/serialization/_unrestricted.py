"""Python's own unpickler, for files that the user trusts by name (``weights_only=False``).

It runs whatever the file says. Nothing in this package falls back to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._names import resolve
from ._storage import StorageType

_TORCH = ("torch", "torch.")


#: Functions that a file may name, by module and name; ``_load`` adds itself.
FUNCTIONS: dict[tuple[str, str], Callable] = {}


def make_unpickler(
    file: Any, pickle_module: Any, persistent_load: Callable[[Any], Any], load_args: dict[str, Any]
) -> Any:
    """Return an unpickler that finds this library's objects under PyTorch's names.

    Args:
        file: binary file at the beginning of a pickle.
        pickle_module: has ``Unpickler``.
        persistent_load: takes the identifier of a storage and returns the storage.
        load_args: keyword arguments of the ``Unpickler``.
    """

    class TorchUnpickler(pickle_module.Unpickler):  # type: ignore[name-defined]
        def find_class(self, module: str, name: str) -> Any:
            if type(name) is str and "Storage" in name:
                try:
                    return StorageType(name)
                except KeyError:
                    pass
            if (module, name) in FUNCTIONS:
                return FUNCTIONS[module, name]
            if module == _TORCH[0] or module.startswith(_TORCH[1]):
                return resolve(module, name)
            return super().find_class(module, name)

    unpickler = TorchUnpickler(file, **load_args)
    unpickler.persistent_load = persistent_load
    return unpickler
