"""Parts of ``torch.utils.benchmark``."""

from ...._runtime import absent as _absent

__getattr__ = _absent.attributes(__name__)
