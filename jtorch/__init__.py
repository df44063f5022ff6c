"""PyTorch's public face over JAX: ``import jtorch as torch``.

Names are gathered here; what they are is written where ``ARCHITECTURE.md`` says. Functions and
methods of operators derive from the entries in ``jtorch/ops``.
"""

from __future__ import annotations

# What an import makes stays: to look for garbage among it takes a tenth of its time.
import gc as _gc  # isort: skip

_collects_garbage = _gc.isenabled()
_gc.disable()
#: Whether a program begins with this import: few objects are its own yet, or another library's.
_begins = len(_gc.get_objects()) < 200_000

from ._engine.execution import settings as _settings  # noqa: E402  # isort: skip

_settings.apply()  # before anything uses JAX
from ._engine.recording import forking as _forking  # noqa: E402

_forking.install()

# isort: off
from . import ops  # noqa: E402  declares every operator
from ._tensor import (  # noqa: E402  Tensor's
    constructors as _constructors,
    conversion as _conversion,
    dtype_conversion as _dtype_conversion,
    indexing as _indexing,
)
from ._tensor import copying as _copying  # noqa: E402  their functions
from ._runtime import defaults as _defaults  # noqa: E402  their functions
from . import random  # noqa: E402  their functions
from ._runtime import (  # noqa: E402  names that are none of these
    questions as _questions,
    settings as _runtime_settings,
    unsupported as _unsupported,
    checks as _checks,
)
from ._runtime import function_overrides as _function_overrides  # noqa: E402
from ._runtime import signatures as _signatures  # noqa: E402
from ._runtime import mapped_files as _mapped_files  # noqa: E402  functions that are no operators
from ._runtime import sobol_engine as _sobol_engine  # noqa: E402  the operators of quasirandom
from . import autograd, compiler, cuda, fft, linalg, return_types, special, version  # noqa: E402
from . import nn, serialization  # noqa: E402
from . import _lobpcg  # noqa: E402  is differentiated by an autograd.Function
from . import func  # noqa: E402
from . import amp, backends, masked, multiprocessing, optim, signal, utils  # noqa: E402
from . import cpu, futures, nested, sparse  # noqa: E402

# isort: on
from math import e, inf, nan, pi  # noqa: E402

from ._core import dtypes as _dtypes  # noqa: E402
from ._core.device import Device as device  # noqa: E402
from ._core.dtypes import dtype  # noqa: E402
from ._core.errors import AcceleratorError, OutOfMemoryError  # noqa: E402
from ._core.layout import (  # noqa: E402
    _mkldnn,
    jagged,
    layout,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)
from ._core.memory_format import (  # noqa: E402
    channels_last,
    channels_last_3d,
    contiguous_format,
    memory_format,
    preserve_format,
)
from ._core.size import Size  # noqa: E402
from ._engine.declare import FUNCTIONS as _FUNCTIONS  # noqa: E402
from ._launch.hook import install, installed, uninstall  # noqa: E402
from ._runtime import absent as _absent  # noqa: E402
from ._runtime.compile import compile  # noqa: E402
from ._runtime.control_flow import cond  # noqa: E402
from ._runtime.defaults import finfo, iinfo  # noqa: E402
from ._runtime.function_overrides import DisableTorchFunction, DisableTorchFunctionSubclass  # noqa: E402
from ._runtime.generator import Generator, default_generator  # noqa: E402
from ._runtime.streams import Event, Stream  # noqa: E402
from ._runtime.symbolic_numbers import (  # noqa: E402
    FUNCTIONS as _FUNCTIONS_OF_NUMBERS,
)
from ._runtime.symbolic_numbers import (  # noqa: E402
    SymBool,
    SymFloat,
    SymInt,
    sym_fresh_size,
)
from ._runtime.typed_storage import STORAGES as _STORAGES  # noqa: E402
from ._tensor.legacy_types import CPU_TYPES as _CPU_TYPES  # noqa: E402
from ._tensor.printing import set_printoptions  # noqa: E402
from ._tensor.tensor import Tensor  # noqa: E402
from ._tensor.tensor import attach_methods as _attach_methods  # noqa: E402
from .amp import GradScaler, autocast  # noqa: E402
from .amp._state import (  # noqa: E402
    autocast_decrement_nesting,
    autocast_increment_nesting,
    clear_autocast_cache,
    get_autocast_cpu_dtype,
    get_autocast_dtype,
    get_autocast_gpu_dtype,
    get_autocast_ipu_dtype,
    get_autocast_xla_dtype,
    is_autocast_cache_enabled,
    is_autocast_cpu_enabled,
    is_autocast_enabled,
    is_autocast_ipu_enabled,
    is_autocast_xla_enabled,
    set_autocast_cache_enabled,
    set_autocast_cpu_dtype,
    set_autocast_cpu_enabled,
    set_autocast_dtype,
    set_autocast_enabled,
    set_autocast_gpu_dtype,
    set_autocast_ipu_dtype,
    set_autocast_ipu_enabled,
    set_autocast_xla_dtype,
    set_autocast_xla_enabled,
)
from .autograd import (  # noqa: E402
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from .autograd.grad_mode import is_inference_mode_enabled  # noqa: E402
from .compiler import synchronize  # noqa: E402
from .func import vmap  # noqa: E402
from .futures import Future  # noqa: E402
from .random import (  # noqa: E402
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
    thread_safe_generator,
)
from .serialization import load, save  # noqa: E402
from .storage import TypedStorage, UntypedStorage  # noqa: E402
from .torch_version import __version__  # noqa: E402
from .utils.dlpack import to_dlpack  # noqa: E402

_attach_methods()
_signatures.attach()
_function_overrides.attach()
globals().update(_FUNCTIONS)
globals().update(_dtypes.BY_NAME)
globals().update(_dtypes.ALIASES)
globals().update(_CPU_TYPES)
globals().update(_FUNCTIONS_OF_NUMBERS)
globals().update(_STORAGES)
Storage = _STORAGES["FloatStorage"]
newaxis = None
legacy_contiguous_format = contiguous_format
has_lapack = has_mkl = has_openmp = has_spectral = True  # as PyTorch's own builds for CPUs say

from . import overrides, testing  # noqa: E402

torch = __import__("sys").modules[__name__]  # ``torch.torch`` is what libraries happen to write

# Files that most programs do not need.
_IMPORTED_WHEN_READ = (
    *("_C", "__config__", "__future__", "_dynamo", "_ops", "accelerator", "classes", "distributed"),
    "export",
    *("distributions", "functional", "fx", "hub", "interop", "jit", "library"),
    *("profiler", "quasirandom", "torch_version", "types"),
)


_absent.install()
_name_without_meaning = _absent.attributes(__name__)


def __getattr__(name: str) -> object:
    if name in _IMPORTED_WHEN_READ:
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    return _name_without_meaning(name)


def __dir__() -> list[str]:
    return [*globals(), *_IMPORTED_WHEN_READ]


if _collects_garbage:
    _gc.enable()
if _begins:
    _gc.freeze()  # full collections need not look at the library: a fifth of a program's time
