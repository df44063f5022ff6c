"""Starting a program in several processes, from Python."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ..elastic.multiprocessing.api import GRACE, DefaultLogsSpecs, LogsSpecs, raise_signal
from ..elastic.multiprocessing.errors import ChildFailedError
from ._agent import Agent, WorkersFailed
from ._log import logging_as_pytorch
from ._nodes import DEFAULT_PORTS, SeveralNodes, SingleNode, parse_endpoint

__all__ = ["LaunchConfig", "elastic_launch", "launch_agent"]

logger = logging.getLogger(__name__)

#: What runs a program on this library: ``python -m PACKAGE script.py``.
PACKAGE = __name__.partition(".")[0]

_GRACE_SETTING = "TORCH_ELASTIC_SHUTDOWN_TIMEOUT"


@dataclass
class LaunchConfig:
    """How workers are started; the options of ``torchrun``.

    Attributes:
        min_nodes, max_nodes: launchers that take part.
        nproc_per_node: workers of this one.
        logs_specs: where their output goes.
        run_id: the job.
        role: a name for the workers.
        rdzv_endpoint, rdzv_backend, rdzv_configs, rdzv_timeout: how launchers meet: ``"c10d"``, in
            the order of coming, or ``"static"``, by ``rdzv_configs["rank"]``.
        max_restarts: attempts after the first.
        monitor_interval: seconds between looks at the workers.
        start_method: how the process of a function is started.
        local_addr: the address of this machine.
        signals_to_handle: what is passed on to the workers.
        shutdown_timeout: seconds that workers have to end before they are killed.
        log_line_prefix_template, metrics_cfg, event_log_handler, numa_options,
        duplicate_stdout_filters, duplicate_stderr_filters, virtual_local_rank: as in PyTorch;
            bindings to NUMA nodes and duplicated lines are refused.
    """

    min_nodes: int
    max_nodes: int
    nproc_per_node: int
    logs_specs: LogsSpecs | None = None
    run_id: str = ""
    role: str = "default_role"
    rdzv_endpoint: str = ""
    rdzv_backend: str = "etcd"
    rdzv_configs: dict[str, Any] = field(default_factory=dict)
    rdzv_timeout: int = -1
    max_restarts: int = 3
    monitor_interval: float = 0.1
    start_method: str = "spawn"
    log_line_prefix_template: str | None = None
    metrics_cfg: dict[str, str] = field(default_factory=dict)
    local_addr: str | None = None
    event_log_handler: str = "null"
    numa_options: Any = None
    signals_to_handle: str = "SIGTERM,SIGINT,SIGHUP,SIGQUIT"
    duplicate_stdout_filters: list[str] | None = None
    duplicate_stderr_filters: list[str] | None = None
    virtual_local_rank: bool = False
    shutdown_timeout: int | None = None

    def __post_init__(self) -> None:
        if self.rdzv_timeout != -1:
            self.rdzv_configs["timeout"] = self.rdzv_timeout
        elif "timeout" not in self.rdzv_configs:
            self.rdzv_configs["timeout"] = 900
        if self.logs_specs is None:
            self.logs_specs = DefaultLogsSpecs()
        if self.shutdown_timeout is None:
            self.shutdown_timeout = int(os.environ.get(_GRACE_SETTING, GRACE))
        if self.numa_options is not None:
            raise NotImplementedError("numa_options: jtorch divides the cores of a machine evenly")
        if self.duplicate_stdout_filters or self.duplicate_stderr_filters:
            raise NotImplementedError(
                "duplicate_stdout_filters: jtorch does not copy lines into further files; use tee"
            )

    @property
    def grace(self) -> float:
        """Seconds that workers have to end before they are killed."""
        return float(GRACE if self.shutdown_timeout is None else self.shutdown_timeout)


class elastic_launch:
    """A function, or a command, that runs in several processes when it is called.

    Args:
        config: how many, where, and how often.
        entrypoint: the function, importable by name unless the start method is ``"fork"``; a
            command; or ``None`` for this interpreter.

    Example::

        results = elastic_launch(LaunchConfig(1, 1, 2, rdzv_backend="c10d"), train)(0.1)
        results[0]  # what train(0.1) returned in the process of rank 0
    """

    def __init__(
        self,
        config: LaunchConfig,
        entrypoint: Callable[..., Any] | str | None,
        health_check_server: Any = None,
    ):
        self._config, self._entrypoint = config, entrypoint

    def __call__(self, *args: Any) -> dict[int, Any]:
        return launch_agent(self._config, self._entrypoint, list(args))


def launch_agent(
    config: LaunchConfig,
    entrypoint: Callable[..., Any] | str | None,
    args: Sequence[Any],
    health_check_server: Any = None,
) -> dict[int, Any]:
    """Run workers and wait for them.

    Args:
        config: how many, where, and how often.
        entrypoint: a function, a command, or ``None`` for this interpreter.
        args: its arguments; ``${local_rank}`` in them is filled in.
    Returns:
        What functions returned, by global rank.
    Raises:
        ChildFailedError: workers failed, and no attempt was left.
        RuntimeError: another launcher of the job failed.
        SignalException: this one was told to end.
    """
    entrypoint = entrypoint or sys.executable
    with logging_as_pytorch(), _passing_on(config.signals_to_handle):
        agent = Agent(config, entrypoint, args, _nodes(config))
        try:
            return agent.run()
        except WorkersFailed as failed:
            raise ChildFailedError(
                name=entrypoint_name(entrypoint, args), failures=failed.failures
            ) from None
        finally:
            if isinstance(config.logs_specs, DefaultLogsSpecs):
                config.logs_specs.tidy()


def _nodes(config: LaunchConfig) -> SingleNode | SeveralNodes:
    backend, settings = config.rdzv_backend, config.rdzv_configs
    if backend in ("etcd", "etcd-v2"):
        raise NotImplementedError(f"rdzv_backend {backend!r}: jtorch has c10d and static")
    if backend not in DEFAULT_PORTS:
        raise ValueError(
            f"The rendezvous backend '{backend}' is not registered. Did you forget to call "
            "`register`?"
        )
    fixed = backend == "static"
    host, port = parse_endpoint(config.rdzv_endpoint, DEFAULT_PORTS[backend])
    if config.max_nodes == 1:
        timeout = timedelta(seconds=float(settings["timeout"]))
        if fixed:
            return SingleNode(config.nproc_per_node, host, port, timeout)
        return SingleNode(config.nproc_per_node, config.local_addr or "localhost", 0, timeout)
    return SeveralNodes(
        config.run_id,
        config.nproc_per_node,
        (config.min_nodes, config.max_nodes),
        (host, port),
        int(settings["rank"]) if fixed else None,
        settings,
        config.local_addr,
    )


def entrypoint_name(entrypoint: Callable[..., Any] | str, args: Sequence[Any]) -> str:
    """Return what a program is called in messages: its function, module or script."""
    if not isinstance(entrypoint, str):
        return getattr(entrypoint, "__qualname__", type(entrypoint).__name__)
    if entrypoint != sys.executable:
        return entrypoint
    rest = [each for each in map(str, args) if not each.startswith("-")]
    if rest[:1] == [PACKAGE]:
        del rest[0]
    return rest[0] if rest else "<unknown>"


@contextmanager
def _passing_on(signals: str) -> Iterator[None]:
    """Raise ``SignalException`` for signals; only a main thread can."""
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for name in filter(None, (each.strip() for each in signals.split(","))):
            try:
                number = signal.Signals[name]
                before[number] = signal.signal(number, raise_signal)
            except (KeyError, OSError, ValueError) as error:
                logger.warning("Failed to register signal handler for %s: %s", name, error)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
