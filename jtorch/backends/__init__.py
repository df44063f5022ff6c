"""Settings of the libraries underneath: ``torch.backends``.

PyTorch chooses among libraries; XLA is the one here. Settings are kept and can be read again, and
none changes a number; ``is_available`` says what a build of PyTorch for this machine would say.
"""

from __future__ import annotations

from .._runtime import absent as _absent
from . import cpu as cpu
from . import cuda as cuda
from . import cudnn as cudnn
from . import mha as mha
from . import mkl as mkl
from . import mkldnn as mkldnn
from . import mps as mps
from . import openmp as openmp
from . import opt_einsum as opt_einsum
from ._flags import flags_may_change as __allow_nonbracketed_mutation  # noqa: F401
from ._flags import make_settings as _make_settings
from ._flags import precision as _precision

_make_settings(__name__, fp32_precision=_precision())

__getattr__ = _absent.attributes(__name__)
