"""The objects of a checkpoint that are no tensors: files of ``torch.save`` within its files."""

from __future__ import annotations

import io
import os
import pickle
from typing import Any

import jtorch as torch

_YES = ("1", "y", "yes", "true")


def load_object(file: io.BytesIO, fqn: str) -> Any:
    """Return an object of a checkpoint, without running code that its file may hold.

    PyTorch runs it. Here a class has to be allowed by name, as for ``torch.load``.

    Args:
        file: what ``torch.save`` wrote.
        fqn: its name in the checkpoint.
    Raises:
        pickle.UnpicklingError: it holds something else than tensors, plain values and containers,
            and what ``torch.serialization.add_safe_globals`` allows.
    """
    trusted = os.getenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "0").lower() in _YES
    try:
        return torch.load(file, weights_only=not trusted)
    except pickle.UnpicklingError as error:
        raise pickle.UnpicklingError(
            f"{fqn}: the checkpoint holds an object of a class that may not be loaded. Allow it "
            "with torch.serialization.add_safe_globals, or set TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1 "
            f"where you trust the files.\n{error}"
        ) from None
