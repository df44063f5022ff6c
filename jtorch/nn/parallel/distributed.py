"""One module in many processes: ``DistributedDataParallel``."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import jtorch as torch

from ...autograd import _observers
from ..modules.module import Module
from ._reducer import Reducer

__all__ = ["DistributedDataParallel"]


class DistributedDataParallel(Module):
    """A module each process of a group has, with gradients averaged over all of them.

    Parameters and buffers begin as those of rank 0. ``backward`` averages the gradients, so that
    optimisers make the same steps everywhere. The gradients are sent when all are there, in one
    message for each dtype and device.

    Args:
        module: parameters of the same shapes in all processes.
        device_ids, output_device: the device of the module, for modules on a GPU.
        dim: the dimension of batches; accepted.
        broadcast_buffers: whether buffers are made those of rank 0 before each forward pass.
        init_sync: whether parameters and buffers are made those of rank 0 now.
        process_group: the processes; the world unless given.
        find_unused_parameters: whether a step may leave parameters without a gradient.
        static_graph: whether all steps use the same parameters, of which some may be unused.
        device_mesh: a mesh of one dimension, instead of ``process_group``.
        bucket_cap_mb, check_reduction, gradient_as_bucket_view, delay_all_reduce_named_params,
            param_to_hook_all_reduce, skip_all_reduce_unused_params, bucket_cap_mb_list,
            batched_grad_copy: accepted; they change no values.
        forward_sync_buffers: another name of ``broadcast_buffers``.
    Raises:
        RuntimeError: no parameter requires grad, or shapes differ between processes.
        ValueError: there is no group.
    """

    #: What a ``Join`` block says of this object while it is in one.
    _join_config: Any = None
    _join_divides_by_initial_size = True

    def __init__(
        self,
        module: Module,
        device_ids: Any = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool | None = None,
        init_sync: bool = True,
        process_group: Any = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
        delay_all_reduce_named_params: Any = None,
        param_to_hook_all_reduce: Any = None,
        mixed_precision: Any = None,
        device_mesh: Any = None,
        skip_all_reduce_unused_params: bool = False,
        bucket_cap_mb_list: list[int] | None = None,
        batched_grad_copy: bool = False,
        forward_sync_buffers: bool | None = None,
    ):
        super().__init__()
        from ...distributed import _groups

        if process_group is not None and device_mesh is not None:
            raise RuntimeError("Cannot specify both process_group and device_mesh arguments.")
        if mixed_precision is not None:
            raise NotImplementedError(
                "torch.nn.parallel.DistributedDataParallel(mixed_precision=): use torch.autocast, "
                "or a communication hook that compresses"
            )
        if process_group is None:
            process_group = _groups.default_group()
            if device_mesh is not None:
                if device_mesh.ndim != 1:
                    raise RuntimeError(f"Only 1D device mesh is supported, but got {device_mesh}.")
                process_group = device_mesh.get_group(mesh_dim=0)
        self.process_group = process_group
        self.device_mesh = device_mesh
        self.parameters_to_ignore: set[str] = set(
            getattr(module, "_ddp_params_and_buffers_to_ignore", ())
        )
        wanted = [
            parameter
            for name, parameter in module.named_parameters()
            if parameter.requires_grad and name not in self.parameters_to_ignore
        ]
        if not wanted:
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any parameter "
                "that requires a gradient."
            )
        self.module = module
        self.device = wanted[0].device
        self.is_multi_device_module = len({parameter.device for parameter in wanted}) > 1
        self.device_type = self.device.type
        self.device_ids = None if not device_ids else [_index(each) for each in device_ids]
        self.output_device = None if not device_ids else _index(output_device or device_ids[0])
        self.dim = dim
        self.broadcast_buffers = _choice(broadcast_buffers, forward_sync_buffers)
        self.find_unused_parameters = find_unused_parameters
        self.static_graph = static_graph
        self.gradient_as_bucket_view = gradient_as_bucket_view
        self.bucket_bytes_cap = int((bucket_cap_mb or 25) * 1024 * 1024)
        self.require_backward_grad_sync = True
        self.require_forward_param_sync = True
        self.mixed_precision = None
        self._reducer = Reducer(wanted, process_group, find_unused_parameters or static_graph)
        if init_sync:
            from ...distributed import _module_states

            _module_states.check_same_shapes(wanted, process_group)
            self._broadcast([*module.named_parameters(), *module.named_buffers()])
        _observe(self._reducer)

    def _broadcast(self, named: list[tuple[str, Any]]) -> None:
        from ...distributed._module_states import broadcast_tensors

        ignored = self.parameters_to_ignore
        tensors = [tensor for name, tensor in named if name not in ignored]
        broadcast_tensors(tensors, self.process_group)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Run the module; the backward pass of what it returns averages the gradients."""
        if torch.is_grad_enabled() and self.require_backward_grad_sync:
            self._reducer.prepare()
            self.require_forward_param_sync = True
        else:
            self.require_forward_param_sync = False
            self._reducer.expects = False
        joins = self._join_config is not None and self._join_config.enable
        if joins:
            _ddp_join().begin_step(self)
        if self.will_sync_module_buffers():
            if joins:
                _ddp_join().synchronise_buffers(self, True)
            else:
                self._broadcast(list(self.module.named_buffers()))
        if self.device_ids:
            target = torch.device(self.device_type, self.device_ids[0])
            inputs, kwargs = _to_device((inputs, kwargs), target)
        return self.module(*inputs, **kwargs)

    def will_sync_module_buffers(self) -> bool:
        """Return whether the next forward pass begins with the buffers of rank 0."""
        return (
            self.require_forward_param_sync
            and self.broadcast_buffers
            and next(self.module.buffers(), None) is not None
        )

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """Let gradients add up in each process, for steps whose forward pass is inside."""
        before = self.require_backward_grad_sync
        self.require_backward_grad_sync = False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    def train(self, mode: bool = True) -> DistributedDataParallel:
        """Set the mode of the module."""
        super().train(mode)
        return self

    def register_comm_hook(self, state: object, hook: Callable) -> None:
        """Let a function make the mean of each bucket of gradients.

        Args:
            state: its first argument.
            hook: ``(state, bucket: GradBucket) -> Future`` of the gradients, one after another. It
                divides by the number of processes itself.
        Raises:
            RuntimeError: there is one already.
        """
        import inspect

        if not callable(hook):
            raise TypeError("Communication hook must be callable.")
        parameters = inspect.signature(hook).parameters
        names = list(parameters)
        if len(names) > 1 and "bucket" in names:
            given = parameters["bucket"].annotation
            from ._reducer import GradBucket

            allowed = (inspect.Parameter.empty, GradBucket, "dist.GradBucket", "GradBucket")
            if given not in allowed and "GradBucket" not in str(given):
                raise ValueError("Communication hook: bucket annotation should be dist.GradBucket.")
        if self._reducer.hook is not None:
            raise RuntimeError(
                "register_comm_hook or register_builtin_comm_hook can only be called once."
            )
        self._reducer.hook = (state, hook)

    def _set_static_graph(self) -> None:
        self.static_graph = True
        self._reducer.finds_unused = True

    @staticmethod
    def _set_params_and_buffers_to_ignore_for_model(module: Module, names: Any) -> None:
        module._ddp_params_and_buffers_to_ignore = names

    def _get_ddp_logging_data(self) -> dict[str, Any]:
        return {
            "world_size": self.process_group.size(),
            "rank": self.process_group.rank(),
            "module_name": type(self.module).__name__,
            "find_unused_parameters": self.find_unused_parameters,
            "broadcast_buffers": self.broadcast_buffers,
            "gradient_as_bucket_view": self.gradient_as_bucket_view,
            "backend_name": self.process_group.name(),
        }

    # Uneven inputs: torch.distributed.algorithms.join

    def join(
        self,
        divide_by_initial_world_size: bool = True,
        enable: bool = True,
        throw_on_early_termination: bool = False,
    ) -> Any:
        """Return a context in which processes may run out of inputs at different times.

        Args:
            divide_by_initial_world_size: whether gradients are divided by the number of processes
                that there were at first, and not of those that still have inputs.
            enable: whether that is allowed.
            throw_on_early_termination: whether all raise when one runs out.
        """
        from ...distributed.algorithms.join import Join

        return Join(
            [self],  # type: ignore[list-item]  # registered there
            enable,
            throw_on_early_termination,
            divide_by_initial_world_size=divide_by_initial_world_size,
        )

    @property
    def join_device(self) -> Any:
        """The device of what processes tell each other about their inputs."""
        return self.device

    @property
    def join_process_group(self) -> Any:
        """The processes that join."""
        return self.process_group

    def join_hook(self, **kwargs: Any) -> Any:
        """Return what shadows the collectives of those that still have inputs."""
        return _ddp_join().hook_of(self, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        for name in ("process_group", "_reducer"):
            state.pop(name, None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        from ...distributed import _groups

        self.process_group = _groups.default_group()
        super().__setstate__(state)
        wanted = [
            parameter
            for name, parameter in self.module.named_parameters()
            if parameter.requires_grad and name not in self.parameters_to_ignore
        ]
        finds = self.find_unused_parameters or self.static_graph
        self._reducer = Reducer(wanted, self.process_group, finds)
        _observe(self._reducer)


def _ddp_join() -> Any:
    """Import what a ``Join`` block needs where there is one."""
    from ...distributed.algorithms import _ddp_join

    return _ddp_join


def _observe(reducer: Reducer) -> None:
    """Tell a reducer of backward passes as long as its module lives."""
    reference = weakref.ref(reducer)

    def tell(leaves: list[Any]) -> None:
        alive = reference()
        if alive is not None:
            alive.accumulated(leaves)

    _observers.accumulated.append(tell)
    weakref.finalize(reducer, _observers.accumulated.remove, tell)


def _choice(broadcast: bool | None, forward_sync: bool | None) -> bool:
    if broadcast is not None:
        return broadcast
    return True if forward_sync is None else forward_sync


def _index(device: Any) -> int:
    return device if isinstance(device, int) else torch.device(device).index or 0


def _to_device(value: Any, device: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*[_to_device(each, device) for each in value])
    if isinstance(value, (list, tuple)):
        return type(value)([_to_device(each, device) for each in value])
    if isinstance(value, dict):
        return {key: _to_device(each, device) for key, each in value.items()}
    return value
