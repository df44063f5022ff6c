"""The launcher at work: rounds of workers, until one ends well or none is left to try."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from string import Template
from typing import TYPE_CHECKING, Any

from ..elastic.multiprocessing.api import PContext, RunProcsResult, SignalException, start_processes
from ..elastic.multiprocessing.errors import ProcessFailure
from ._nodes import NodeFailure, Round, SeveralNodes, SingleNode

if TYPE_CHECKING:
    from .api import LaunchConfig

logger = logging.getLogger(__name__)

#: Seconds between looks at what other launchers say.
_LOOK = 0.5
_PREFIX = "TORCHELASTIC_LOG_LINE_PREFIX_TEMPLATE"


class WorkersFailed(Exception):
    """No attempt ended well; ``failures`` are those of the last one, by global rank."""

    def __init__(self, failures: dict[int, ProcessFailure]):
        super().__init__("workers failed")
        self.failures = failures


class Agent:
    """Runs the workers of one machine.

    Args:
        config: how many, where, and how often.
        entrypoint, args: what each worker runs.
        nodes: the launchers that take part.
    """

    def __init__(
        self,
        config: LaunchConfig,
        entrypoint: Callable[..., Any] | str,
        args: Sequence[Any],
        nodes: SingleNode | SeveralNodes,
    ):
        self._config, self._entrypoint, self._args = config, entrypoint, args
        self._nodes = nodes
        self._context: PContext | None = None

    def run(self) -> dict[int, Any]:
        """Run the workers.

        Returns:
            What functions returned, by global rank.
        Raises:
            WorkersFailed: workers failed, and no attempt is left.
            NodeFailure: another launcher failed.
            SignalException: the launcher was told to end.
        """
        try:
            return self._run_rounds()
        except SignalException as signalled:
            logger.warning("Received %s death signal, shutting down workers", int(signalled.sigval))
            self._close(signalled.sigval)
            self._nodes.say("failed", f"a launcher got {signalled.sigval.name}")
            raise
        finally:
            self._close(signal.SIGTERM)
            self._nodes.leave()

    def _run_rounds(self) -> dict[int, Any]:
        number = 0
        while True:
            this = self._nodes.join(number)
            result = self._run_round(this)
            if result is None or (not result.is_failed() and not self._nodes.finish()):
                self._close(signal.SIGTERM)  # another node begins again
            elif not result.is_failed():
                return {
                    this.first_rank + rank: value for rank, value in result.return_values.items()
                }
            else:
                failures = {
                    this.first_rank + rank: failure for rank, failure in result.failures.items()
                }
                why = _in_one_line(failures)
                if number >= self._config.max_restarts:
                    self._nodes.say("failed", why)
                    raise WorkersFailed(failures)
                self._nodes.say("restart", why)
            number += 1

    def _run_round(self, this: Round) -> RunProcsResult | None:
        """Run one attempt; ``None`` where another launcher wants the next one."""
        config = self._config
        envs = {rank: self._environment(this, rank) for rank in range(config.nproc_per_node)}
        template = config.log_line_prefix_template or os.environ.get(_PREFIX)
        prefixes = None
        if template:
            prefixes = {
                rank: Template(template).safe_substitute(
                    role_name=config.role, local_rank=rank, rank=env["RANK"]
                )
                for rank, env in envs.items()
            }
        assert config.logs_specs is not None
        self._context = context = start_processes(
            name=config.role,
            entrypoint=self._entrypoint,
            args={rank: self._arguments(this, rank) for rank in envs},
            envs=envs,
            logs_specs=config.logs_specs,
            log_line_prefixes=prefixes,
            start_method=config.start_method,
        )
        context.grace = config.grace
        looked = time.monotonic()
        while True:
            result = context.wait(0)
            if result is not None:
                return result
            if time.monotonic() - looked > _LOOK:
                looked = time.monotonic()
                try:
                    if self._nodes.look():
                        return None
                except NodeFailure:
                    context.close(signal.SIGTERM)
                    raise
            time.sleep(config.monitor_interval)

    def _environment(self, this: Round, local_rank: int) -> dict[str, str]:
        config, rank = self._config, this.first_rank + local_rank
        env = {
            "LOCAL_RANK": str(local_rank),
            "RANK": str(rank),
            "GROUP_RANK": str(this.node),
            "ROLE_RANK": str(rank),
            "ROLE_NAME": config.role,
            "LOCAL_WORLD_SIZE": str(config.nproc_per_node),
            "WORLD_SIZE": str(this.world_size),
            "GROUP_WORLD_SIZE": str(this.nodes),
            "ROLE_WORLD_SIZE": str(this.world_size),
            "MASTER_ADDR": this.master_addr,
            "MASTER_PORT": str(this.master_port),
            "TORCHELASTIC_RESTART_COUNT": str(this.number),
            "TORCHELASTIC_MAX_RESTARTS": str(config.max_restarts),
            "TORCHELASTIC_RUN_ID": config.run_id,
            "TORCHELASTIC_USE_AGENT_STORE": "True",
            "TORCHELASTIC_SIGNALS_TO_HANDLE": config.signals_to_handle,
            "TORCH_NCCL_ASYNC_ERROR_HANDLING": os.getenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "1"),
        }
        if "OMP_NUM_THREADS" in os.environ:
            env["OMP_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]
        if isinstance(self._entrypoint, str):
            env["PYTHONUNBUFFERED"] = "1"
        if config.virtual_local_rank:
            visible = os.environ.get("CUDA_VISIBLE_DEVICES")
            devices = visible.split(",") if visible else []
            env["LOCAL_RANK"] = "0"
            env["CUDA_VISIBLE_DEVICES"] = (
                devices[local_rank] if local_rank < len(devices) else str(local_rank)
            )
        return env

    def _arguments(self, this: Round, local_rank: int) -> tuple[Any, ...]:
        """Return the arguments of a worker: ``${local_rank}`` and the like are filled in."""
        named = {
            "group_rank": str(this.node),
            "local_rank": str(local_rank),
            "replica_id": str(this.first_rank + local_rank),
        }
        return tuple(
            Template(each).safe_substitute(named) if isinstance(each, str) else each
            for each in self._args
        )

    def _close(self, number: signal.Signals) -> None:
        if self._context is not None:
            self._context.close(number)


def _in_one_line(failures: dict[int, ProcessFailure]) -> str:
    rank = min(failures, key=lambda each: failures[each].timestamp)
    return f"rank {rank} ended with exit code {failures[rank].exitcode}"
