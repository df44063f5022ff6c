"""An optimiser whose state is spread over processes: ``ZeroRedundancyOptimizer``.

S. Rajbhandari et al.: ZeRO: memory optimizations toward training trillion parameter models.
arXiv:1910.02054 (its first stage: the state of the optimiser).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import jtorch as torch

from ... import distributed as dist
from ...optim.optimizer import Optimizer
from ..algorithms.join import Join, Joinable, JoinHook

__all__ = ["ZeroRedundancyOptimizer"]


def _moved(value: Any, device: torch.device) -> Any:
    """Return containers with their tensors on a device; the number of a step stays on the CPU."""
    if isinstance(value, torch.Tensor):
        return value if value.dim() == 0 else value.to(device)
    if isinstance(value, dict):
        return {key: _moved(item, device) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_moved(item, device) for item in value)
    return value


def _copy_settings(source: list[dict[str, Any]], target: list[dict[str, Any]]) -> None:
    """Give groups the settings of others, such as rates, not their parameters."""
    if len(source) != len(target):
        raise AssertionError("Mismatch between number of source and destination parameter groups")
    for given, group in zip(source, target):
        group.update((key, value) for key, value in given.items() if key != "params")


class _StepHook(JoinHook):
    """Takes the step of an iteration of the others, for ``Join``."""

    def __init__(self, zero: ZeroRedundancyOptimizer):
        self.zero = zero

    def main_hook(self) -> None:
        """Take a step."""
        self.zero.step()


class ZeroRedundancyOptimizer(Optimizer, Joinable):
    """Takes the steps of an optimiser for a part of the parameters, and gets the others.

    The parameters of each group go, from the largest, to the process that has the fewest elements
    so far. After a step each process sends what is its own.

    Args:
        params: parameters, or groups of them.
        optimizer_class: of the optimiser.
        process_group: of which processes; ``None`` for all.
        parameters_as_bucket_view: whether parameters of one process shall share memory; has no
            effect: what is sent is concatenated anyhow.
        overlap_with_ddp: refused.
        defaults: arguments of the optimiser.
    Raises:
        TypeError, ValueError: for parameters that are none, or of several types.
        NotImplementedError: for ``overlap_with_ddp``.
    """

    def __init__(
        self,
        params: Any,
        optimizer_class: type[Optimizer],
        process_group: Any = None,
        parameters_as_bucket_view: bool = False,
        overlap_with_ddp: bool = False,
        **defaults: Any,
    ):
        if overlap_with_ddp:
            raise NotImplementedError(
                "ZeroRedundancyOptimizer: overlap_with_ddp is not supported; the step is taken "
                "after the backward pass"
            )
        groups = self._listed(params)
        self._check_types()
        self.initialized = False
        Optimizer.__init__(self, groups, defaults)
        Joinable.__init__(self)
        self._default_device = self._all_params[0].device
        self.process_group = process_group if process_group is not None else dist.group.WORLD
        self.world_size: int = dist.get_world_size(self.process_group)
        self.rank: int = dist.get_rank(self.process_group)
        self.global_rank: int = dist.get_global_rank(self.process_group, self.rank)
        self.parameters_as_bucket_view = parameters_as_bucket_view
        self._partition: list[list[dict[str, Any]]] = []
        self._all_state_dicts: list[dict[str, Any]] = []
        self.optim: Any = optimizer_class(
            self._partition_parameters()[self.rank],  # type: ignore[arg-type]
            **defaults,
        )
        _copy_settings(self.optim.param_groups, self.param_groups)
        for groups_of_rank in self._partition:
            _copy_settings(self.optim.param_groups, groups_of_rank)
        self.initialized = True

    def _listed(self, params: Any) -> list[Any]:
        if isinstance(params, torch.Tensor):
            raise TypeError(
                "`params` argument should be an iterable of Tensors, but got "
                f"{torch.typename(params)}"
            )
        try:
            listed = list(params)
        except TypeError as error:
            raise TypeError(
                "`params` argument should be an iterable of Tensors or dicts, but got "
                f"{torch.typename(params)}"
            ) from error
        if not listed:
            raise ValueError("ZeroRedundancyOptimizer got an empty parameter list")
        self._all_params: list[torch.Tensor] = []
        if all(isinstance(each, torch.Tensor) for each in listed):
            self._all_params = listed
        elif all(isinstance(each, dict) for each in listed):
            for group in listed:
                if "params" not in group:
                    raise ValueError(
                        "Each parameter group passed-in via `params` must "
                        "have a 'params' key mapping to the parameters in "
                        "the group"
                    )
                inner = group["params"]
                self._all_params += [inner] if isinstance(inner, torch.Tensor) else list(inner)
        else:
            raise TypeError("`params` argument should be an iterable of Tensors or dicts")
        return listed

    def _check_types(self) -> None:
        first = torch.typename(self._all_params[0])
        if self._all_params[0].is_sparse:
            raise ValueError(
                "ZeroRedundancyOptimizer only supports using "
                f"the same dense type for all parameters but got {first}"
            )
        for parameter in self._all_params[1:]:
            other = torch.typename(parameter)
            if other != first:
                raise ValueError(
                    "ZeroRedundancyOptimizer only supports using the same dense type for all "
                    f"parameters but got both {first} and {other}"
                )

    def _partition_parameters(self) -> list[list[dict[str, Any]]]:
        """Return the groups of each rank."""
        if self._partition:
            return self._partition
        self._partition = [[] for _ in range(self.world_size)]
        sizes = [0] * self.world_size
        for group in self.param_groups:
            chosen: list[list[torch.Tensor]] = [[] for _ in range(self.world_size)]
            for parameter in sorted(group["params"], key=torch.Tensor.numel, reverse=True):
                rank = min(range(self.world_size), key=sizes.__getitem__)
                chosen[rank].append(parameter)
                sizes[rank] += parameter.numel()
            for rank, parameters in enumerate(chosen):
                self._partition[rank].append({**group, "params": parameters})
        return self._partition

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters; on all processes."""
        super().add_param_group(param_group)
        if self.initialized:
            self._partition = []
            mine = self._partition_parameters()[self.rank]
            if len(mine) == len(self.optim.param_groups) + 1:
                self.optim.add_param_group(mine[-1])

    def _send_parameters(self) -> None:
        """Let each process have what the others have stepped: one broadcast for each and dtype."""
        for rank, groups in enumerate(self._partition_parameters()):
            by_dtype: dict[Any, list[torch.Tensor]] = {}
            for group in groups:
                for parameter in group["params"]:
                    key = parameter.dtype, parameter.device
                    by_dtype.setdefault(key, []).append(parameter)
            source = dist.get_global_rank(self.process_group, rank)
            for parameters in by_dtype.values():
                together = torch.cat([each.detach().reshape(-1) for each in parameters])
                dist.broadcast(together, src=source, group=self.process_group)
                if rank == self.rank:
                    continue
                parts = together.split([each.numel() for each in parameters])
                with torch.no_grad():
                    for parameter, part in zip(parameters, parts):
                        parameter.copy_(part.view_as(parameter))

    def step(self, closure: Callable[[], Any] | None = None, **kwargs: Any) -> Any:
        """Take a step with what is this process' own, and get the rest.

        Args:
            closure: computes the loss again and returns it.
            kwargs: further arguments of the optimiser's step.
        """
        Join.notify_join_context(self)
        _copy_settings(self.param_groups, self.optim.param_groups)
        if closure is not None:
            kwargs["closure"] = closure
        loss = self.optim.step(**kwargs)
        _copy_settings(self.optim.param_groups, self.param_groups)
        self._send_parameters()
        return loss

    def join_hook(self, **_kwargs: Any) -> JoinHook:
        """Return what shadows the steps of the others."""
        return _StepHook(self)

    @property
    def join_device(self) -> torch.device:
        """Where the first parameter lies."""
        return self._default_device

    @property
    def join_process_group(self) -> Any:
        """The process group."""
        return self.process_group

    def consolidate_state_dict(self, to: int = 0) -> None:
        """Send the states of all processes to one, so that it can return them.

        Args:
            to: its rank.
        """
        _copy_settings(self.param_groups, self.optim.param_groups)
        gathered: Any = [None] * self.world_size if self.rank == to else None
        dist.gather_object(
            self.optim.state_dict(),
            gathered,
            dst=dist.get_global_rank(self.process_group, to),
            group=self.process_group,
        )
        self._all_state_dicts = [_moved(each, torch.device("cpu")) for each in gathered or ()]

    def state_dict(self) -> dict[str, Any]:
        """Return the state of all processes, as of the last ``consolidate_state_dict``.

        Raises:
            RuntimeError: it was not sent here.
        """
        if not self._all_state_dicts:
            raise RuntimeError(
                "Optimizer state has not been consolidated on this rank. "
                f"Please call `consolidate_state_dict(to={self.rank})` on "
                "all ranks beforehand if you meant to save the global state."
            )
        state_dict = super().state_dict()
        numbers = self._numbers()
        values: dict[int, Any] = {}
        for local, groups in zip(self._all_state_dicts, self._partition_parameters()):
            for local_group, group in zip(local["param_groups"], groups, strict=True):
                for number, parameter in zip(local_group["params"], group["params"], strict=True):
                    if number in local["state"]:
                        values[numbers[parameter]] = local["state"][number]
        state_dict["state"] = dict(sorted(values.items()))
        return state_dict

    def _numbers(self) -> dict[torch.Tensor, int]:
        """Return the number of each parameter in a state dict."""
        every = [parameter for group in self.param_groups for parameter in group["params"]]
        return {parameter: number for number, parameter in enumerate(every)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what belongs to this process of the state of all.

        Args:
            state_dict: what ``state_dict`` returned.
        """
        state_dict = copy.copy(state_dict)
        numbers = self._numbers()
        values = {}
        for group in self._partition_parameters()[self.rank]:
            for parameter in group["params"]:
                value = state_dict["state"].get(numbers[parameter])
                if value is not None:
                    values[numbers[parameter]] = value
                    self.optim.state[parameter] = _moved(value, parameter.device)
        super().load_state_dict({**state_dict, "state": values})
        _copy_settings(state_dict["param_groups"], self.param_groups)
        _copy_settings(self.param_groups, self.optim.param_groups)
