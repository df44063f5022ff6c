"""What jtorch compiles, and control over it.

Operators are recorded and run as one compiled program when a result is looked at. ``stats()``
says what was compiled and what asked for it; a line of the program that keeps compiling is named in
a warning. The environment variables that change any of this are listed in ``jtorch._core.config``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._engine.execution import compilation as _compilation
from .._engine.execution import growth as _growth
from .._engine.execution import settings as _settings
from .._engine.execution import stats as _stats
from .._engine.execution.stats import Stats
from .._engine.recording import trace as _trace
from .._runtime import absent as _absent

__all__ = [
    "Stats",
    "stats",
    "reset_stats",
    "explain",
    "synchronize",
    "wait_until_optimised",
    "release_memory",
    "reset",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "disable",
    "allow_in_graph",
    "assume_constant_result",
    "cudagraph_mark_step_begin",
    "compile",
    "get_default_backend",
    "list_backends",
    "load_cache_artifacts",
    "nested_compile_region",
    "save_cache_artifacts",
    "set_default_backend",
    "set_enable_guard_collectives",
    "set_stance",
    "substitute_in_graph",
    "wrap_numpy",
]


def stats() -> Stats:
    """Return how often programs were compiled and run so far.

    Returns:
        A snapshot: it does not change any more. Its ``str`` is a table.
    """
    return _stats.snapshot()


def reset_stats() -> None:
    """Set all counters to zero."""
    _stats.reset()


def explain() -> str:
    """Return in words what is pending, what was compiled, and which lines keep compiling."""
    return _growth.explain()


def synchronize() -> None:
    """Run what this thread has recorded, and wait until it is done."""
    _trace.current("synchronize")


def wait_until_optimised(timeout: float = 60.0) -> bool:
    """Wait until every hot program runs at full optimisation, before a measurement, say.

    Args:
        timeout: seconds to wait at most.
    Returns:
        Whether they all do.
    """
    return _compilation.wait_until_optimised(timeout)


def release_memory() -> bool:
    """Give memory of freed tensors back to the operating system.

    It is kept otherwise, since asking for it again would cost every step of a loop.

    Returns:
        Whether any was given back; always ``False`` where the C library is not glibc.
    """
    return _settings.release_memory()


def reset() -> None:
    """Forget every recorded trace and compiled program; programs on disk stay."""
    _trace.current("reset")
    _growth.forget_everything()
    _trace.local.trace.begin()


def is_compiling() -> bool:
    """Return whether a graph is being captured: never, since operators run as they are called."""
    return False


is_dynamo_compiling = is_compiling
is_exporting = is_compiling


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Return the function as it is: there is no capture to keep it out of."""
    return _same if fn is None else fn


def allow_in_graph(fn: Callable) -> Callable:
    """Return the function as it is."""
    return fn


def assume_constant_result(fn: Callable) -> Callable:
    """Return the function as it is; its result is not assumed to be constant."""
    return fn


def cudagraph_mark_step_begin() -> None:
    """Do nothing: no memory is shared between steps."""


def compile(*args: Any, **kwargs: Any) -> Any:
    """Return what ``torch.compile`` does: the function or module, which is compiled anyhow."""
    from .._runtime.compile import compile as compile_

    return compile_(*args, **kwargs)


_BACKENDS = ["cudagraphs", "inductor", "onnxrt", "openxla", "tvm"]
_default_backend: Any = "inductor"


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """Return the names that ``torch.compile`` takes for its backend; XLA compiles for each."""
    return list(_BACKENDS)


def get_default_backend() -> Any:
    """Return the name that ``set_default_backend`` was given."""
    return _default_backend


def set_default_backend(backend: Any) -> None:
    """Remember the name of a backend; XLA compiles whatever it is."""
    global _default_backend
    _default_backend = "inductor" if backend is None else backend


class set_stance:
    """Accept how PyTorch is to treat what it compiled: nothing here is traced.

    A function, a context and a decorator, as PyTorch's is.
    """

    def __init__(
        self,
        stance: str = "default",
        *,
        skip_guard_eval_unsafe: bool = False,
        force_backend: Any = None,
    ):
        known = ("default", "force_eager", "eager_on_recompile", "fail_on_recompile",
                 "eager_then_compile", "aot_eager_then_compile")  # fmt: skip
        if stance not in known:
            raise RuntimeError(f"invalid torch.compile stance '{stance}'")
        self.stance = stance

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exception: object) -> None:
        return None

    def __call__(self, fn: Callable) -> Callable:
        """Return the function as it is."""
        return fn


def set_enable_guard_collectives(enabled: bool) -> bool:
    """Accept the setting; there are no guards. Return what it was."""
    return False


def wrap_numpy(fn: Callable) -> Callable:
    """Let a function of NumPy's arrays take and return tensors.

    Args:
        fn: a function.
    Returns:
        One that converts tensors among its arguments to arrays and arrays among its results back.
    """
    import functools

    import jtorch as torch

    from ..utils import _pytree

    @functools.wraps(fn)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        to_array = lambda value: value.numpy() if torch.is_tensor(value) else value  # noqa: E731
        args, kwargs = _pytree.tree_map(to_array, (args, kwargs))
        back = lambda value: torch.as_tensor(value) if hasattr(value, "__array__") else value  # noqa: E731
        return _pytree.tree_map(back, fn(*args, **kwargs))

    return wrapped


def substitute_in_graph(original_fn: Callable, **options: Any) -> Callable:
    """Return a decorator that changes nothing: nothing is traced that could be substituted."""
    return _same


def nested_compile_region(fn: Any = None, **options: Any) -> Any:
    """Return the function as it is: equal stretches are found by themselves."""
    return _same if fn is None else fn


def save_cache_artifacts() -> None:
    """Return ``None``: compiled programs are kept on disk and are not handed out."""


def load_cache_artifacts(serialized_artifacts: bytes) -> None:
    """Return ``None``: compiled programs are kept on disk and are not taken in."""


def _same(fn: Callable) -> Callable:
    return fn


__getattr__ = _absent.attributes(__name__)
