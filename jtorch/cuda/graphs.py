"""CUDA graphs: ``torch.cuda.graphs``. What a region records is recorded again at each replay.

That is one compiled program, as it is without a graph; what a graph adds is that tensors stay where
they are: static inputs are read, static outputs written.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from .._engine.execution import devices as _devices
from .._runtime import absent as _absent
from . import _messages_graphs as _messages
from .streams import Stream, current_stream, default_stream

__all__ = [
    "CUDAGraph",
    "graph",
    "graph_pool_handle",
    "is_current_stream_capturing",
    "make_graphed_callables",
]

_pools = itertools.count(1)
_capturing: list[CUDAGraph] = []


class CUDAGraph:
    """The work of a region, to be done again on the same memory.

    Between ``capture_begin`` and ``capture_end`` nothing happens but that functions, backward
    passes and steps of optimisers are recorded. ``replay`` does them on what is there then.

    Args:
        keep_graph: changes nothing.
    Raises:
        RuntimeError: there is no GPU.
    """

    def __new__(cls, keep_graph: bool = False) -> CUDAGraph:
        if not _devices.gpus():
            raise _messages.dummy(cls.__name__)
        self = super().__new__(cls)
        self._captured = None
        self._under_way = None
        self._pool = (0, 0)
        return self

    _captured: Any
    _under_way: Any
    _pool: tuple[int, int]

    def capture_begin(
        self,
        pool: tuple[int, int] | None = None,
        capture_error_mode: str = "global",
        check_input_liveness: bool = False,
    ) -> None:
        """Begin to capture; the arguments change nothing.

        Raises:
            RuntimeError: the graph has captured before, or the current stream is the default one.
        """
        from ._capture import Capture  # what it is made of is imported later than this module

        if self._captured is not None:
            raise _messages.owns_graph()
        if current_stream() == default_stream():
            raise _messages.default_stream()
        self._pool = graph_pool_handle() if pool is None else pool
        self._under_way = Capture()
        self._under_way.begin()
        _capturing.append(self)

    def capture_end(self) -> None:
        """End the region."""
        under_way = self._stop()
        self._captured = under_way

    def _stop(self) -> Any:
        under_way, self._under_way = self._under_way, None
        _capturing.remove(self)
        under_way.end()
        return under_way

    def instantiate(self) -> None:
        """Do nothing: a graph is compiled when it is replayed."""

    def replay(self) -> None:
        """Do the work of the region on what is in its tensors now.

        Raises:
            RuntimeError: nothing was captured.
        """
        if self._captured is None:
            raise _messages.no_capture("replay")
        self._captured.replay()

    def reset(self) -> None:
        """Forget what was captured."""
        self._captured = None

    def pool(self) -> tuple[int, int]:
        """Return the name of the graph's memory, which JAX manages like any other.

        Raises:
            RuntimeError: nothing was captured.
        """
        if self._captured is None:
            raise _messages.no_capture("pool()")
        return self._pool

    def enable_debug_mode(self) -> None:
        """Do nothing: there is nothing to dump."""

    def debug_dump(self, debug_path: str) -> None:
        """Write nothing; ``jtorch.compiler`` shows the program."""


class graph:
    """A block whose work a graph captures, on a stream of its own.

    Args:
        cuda_graph: a new graph.
        stream: the stream; one for all blocks unless given.
        pool, capture_error_mode, enable_annotations, check_input_liveness: change nothing.
    Raises:
        RuntimeError: there is no GPU.
    """

    default_capture_stream: Stream | None = None

    def __init__(
        self,
        cuda_graph: CUDAGraph,
        pool: Any = None,
        stream: Stream | None = None,
        capture_error_mode: str = "global",
        enable_annotations: bool = False,
        check_input_liveness: bool = False,
    ):
        if stream is None:
            if self.__class__.default_capture_stream is None:
                self.__class__.default_capture_stream = Stream()
            stream = self.__class__.default_capture_stream
        self.pool = () if pool is None else (pool,)
        self.capture_stream = stream
        self.cuda_graph = cuda_graph
        self.capture_error_mode = capture_error_mode

    def __enter__(self) -> None:
        self.capture_stream.__enter__()
        try:
            pool = self.pool[0] if self.pool else None
            self.cuda_graph.capture_begin(pool, self.capture_error_mode)
        except BaseException:
            self.capture_stream.__exit__()
            raise

    def __exit__(self, kind: Any, *exception: Any) -> None:
        try:
            if kind is None:
                self.cuda_graph.capture_end()
            else:
                self.cuda_graph._stop()
        finally:
            self.capture_stream.__exit__()


def graph_pool_handle() -> tuple[int, int]:
    """Return a new name of a graph's memory.

    Raises:
        RuntimeError: there is no GPU.
    """
    if not _devices.gpus():
        raise _messages.dummy("_graph_pool_handle")
    return 0, next(_pools)


def is_current_stream_capturing() -> bool:
    """Return whether a graph is being captured."""
    return bool(_capturing)


def make_graphed_callables(
    callables: Any,
    sample_args: Any,
    num_warmup_iters: int = 3,
    allow_unused_input: bool = False,
    pool: Any = None,
) -> Any:
    """Return functions or modules as they are: what they record is compiled as one program.

    PyTorch returns callables that replay graphs of one forward and one backward pass each, into the
    same memory every time. Here results are new tensors, and shapes may change.

    Args:
        callables: a function or a module, or a tuple of them.
        sample_args: a tuple of tensors, for several callables a tuple of such tuples.
        num_warmup_iters, allow_unused_input, pool: change nothing.
    Raises:
        RuntimeError: there is no GPU, or autocast keeps converted tensors.
        AssertionError: a module has hooks, a buffer requires grad, or an argument is no tensor.
    """
    if not _devices.gpus():
        raise _messages.dummy("CUDAGraph")
    import jtorch as torch  # the package is not whole yet when this module is imported

    if torch.is_autocast_enabled() and torch.is_autocast_cache_enabled():
        raise _messages.autocast_cache()
    several = isinstance(callables, tuple)
    samples: Iterable[Any] = sample_args if several else (sample_args,)
    for each, arguments in zip(callables if several else (callables,), samples, strict=True):
        if isinstance(each, torch.nn.Module):
            if each._backward_hooks or each._forward_hooks or each._forward_pre_hooks:
                raise _messages.hooks()
            if any(buffer.requires_grad for buffer in each.buffers()):
                raise _messages.buffers()
        if not all(isinstance(a, torch.Tensor) for a in torch.utils._pytree.tree_leaves(arguments)):
            raise _messages.no_tensors()
    return callables


__getattr__ = _absent.attributes(__name__)
