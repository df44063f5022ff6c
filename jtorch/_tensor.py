"""``torch.Tensor``: a handle on a value, or on a place in a storage."""

from __future__ import annotations

import weakref
from typing import Any

from ._core.schema import set_tensor_type
from ._engine import record
from ._engine.declare import METHODS
from ._engine.storage import current_value, version_of
from ._engine.trace import materialise
from ._engine.values import LEAF, NO_GRAD, RESULT


class Tensor:
    """A multi-dimensional array of elements of one dtype, with gradients.

    Everything about it but its elements is known at once; the elements are computed when somebody
    looks.
    """

    __slots__ = (
        "_value",
        "_alias",
        "_version_",
        "_grad_",
        "_hooks_",
        "__dict__",
        "__weakref__",
    )
    __module__ = "torch"


record.set_tensor_class(Tensor)
set_tensor_type(Tensor)
