"""What each node of a backward pass calls of PyTorch's operators, for ``__torch_dispatch__``."""

from . import arithmetic as arithmetic
from . import layers as layers
from . import passes as passes
from . import shapes as shapes
from .table import FORMULAS as FORMULAS
