"""``torch.version``: which PyTorch this answers for, and what it is built for."""

from ._runtime import absent as _absent
from ._version import TORCH_VERSION

__version__ = TORCH_VERSION
cuda: str | None = None
hip: str | None = None
xpu: str | None = None
debug = False
git_version = "jtorch"

__getattr__ = _absent.attributes(__name__)
