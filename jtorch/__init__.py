"""PyTorch's public face over JAX: ``import jtorch as torch``."""

from __future__ import annotations

from ._engine import settings as _settings  # isort: skip  (sets JAX up before anything uses it)

_settings.apply()

from . import _conversion as _conversion  # noqa: E402
from . import _constructors as _constructors  # noqa: E402
from . import _dtype_conversion as _dtype_conversion  # noqa: E402
from . import ops as _ops  # noqa: E402
from . import autograd  # noqa: E402
from . import _indexing as _indexing  # noqa: E402
from . import _signatures as _signatures  # noqa: E402
from .storage import TypedStorage, UntypedStorage  # noqa: E402
from ._core.device import Device as device  # noqa: E402
from ._core.dtypes import (  # noqa: E402
    bfloat16,
    complex64,
    complex128,
    dtype,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from ._core.dtypes import bool_ as bool  # noqa: E402
from ._core.memory_format import (  # noqa: E402
    channels_last,
    channels_last_3d,
    contiguous_format,
    memory_format,
    preserve_format,
)
from ._core.size import Size  # noqa: E402
from ._engine.declare import FUNCTIONS as _FUNCTIONS  # noqa: E402
from ._hook import install, installed, uninstall  # noqa: E402
from ._printing import set_printoptions  # noqa: E402
from ._tensor import Tensor, attach_methods  # noqa: E402
from ._version import TORCH_VERSION as __version__  # noqa: E402

from .autograd import (  # noqa: E402
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)

attach_methods()
del attach_methods
_signatures.attach()
globals().update(_FUNCTIONS)
