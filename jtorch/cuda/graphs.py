"""CUDA graphs: ``torch.cuda.graphs``. What is recorded here is compiled as one program already."""

from __future__ import annotations

from typing import Any, NoReturn

from .._engine.execution import devices as _devices
from .._runtime import absent as _absent

__all__ = [
    "CUDAGraph",
    "graph",
    "graph_pool_handle",
    "is_current_stream_capturing",
    "make_graphed_callables",
]


def _refusal(name: str, words: str) -> Exception:
    """Return what PyTorch says without a GPU, and jtorch's own reason where there is one."""
    if not _devices.gpus():
        return RuntimeError(words)
    return NotImplementedError(
        f"torch.cuda.{name}: jtorch compiles what it records as one program already"
    )


class CUDAGraph:
    """Stands for PyTorch's class in annotations and as a base.

    Raises:
        RuntimeError: it is made where there is no GPU.
        NotImplementedError: it is made where there is one.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        name = cls.__name__
        raise _refusal(name, f"Tried to instantiate dummy base class {name}")


class graph:
    """A block whose work PyTorch captures as a graph.

    Raises:
        RuntimeError: it is made where there is no GPU.
        NotImplementedError: it is made where there is one.
    """

    default_capture_stream = None

    def __init__(
        self,
        cuda_graph: CUDAGraph,
        pool: Any = None,
        stream: Any = None,
        capture_error_mode: str = "global",
        enable_annotations: bool = False,
        check_input_liveness: bool = False,
    ):
        raise _refusal("graph", "torch.cuda.Stream requires CUDA support")


def graph_pool_handle() -> NoReturn:
    """Refuse: JAX manages the memory of a GPU itself."""
    words = "Tried to instantiate dummy base class _graph_pool_handle"
    raise _refusal("graph_pool_handle", words)


def is_current_stream_capturing() -> bool:
    """Return false: nothing is ever captured."""
    return False


def make_graphed_callables(
    callables: Any,
    sample_args: Any,
    num_warmup_iters: int = 3,
    allow_unused_input: bool = False,
    pool: Any = None,
) -> NoReturn:
    """Refuse: functions are compiled as they are called."""
    words = "Tried to instantiate dummy base class CUDAGraph"
    raise _refusal("make_graphed_callables", words)


__getattr__ = _absent.attributes(__name__)
