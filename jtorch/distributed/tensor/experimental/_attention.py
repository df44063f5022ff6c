"""Attention over a sequence that is cut over processes, which is not there."""

from __future__ import annotations

from typing import NoReturn

from . import context_parallel as context_parallel


def set_rotate_method(rotate_method: str) -> NoReturn:
    """Refuse to choose how parts of a sequence go around.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(
        "torch.distributed.tensor.experimental._attention.set_rotate_method: jtorch cuts attention "
        "by heads"
    )
