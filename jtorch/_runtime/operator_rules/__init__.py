"""Public functions that PyTorch makes of other operators, for ``__torch_dispatch__``."""

from . import layers as layers
from . import numbers as numbers
from . import products as products
from . import recurrent as recurrent
from . import shapes as shapes
from .table import RULES as RULES
