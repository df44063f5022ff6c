"""Styles of tensor parallelism: how a module's parameters are cut, and its inputs and outputs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import jtorch as torch
from jtorch import nn

from ...device_mesh import DeviceMesh
from .._api import DTensor
from .._distribute import distribute_module, distribute_tensor
from ..placement_types import Placement, Replicate, Shard

Layouts = Placement | tuple[Placement | None, ...]


class ParallelStyle(ABC):
    """Base of what is done with a module; ``_apply(module, mesh)`` does it."""

    src_data_rank: int | None = 0

    @abstractmethod
    def _apply(self, module: nn.Module, device_mesh: DeviceMesh) -> nn.Module: ...


def _input(value: Any, mesh: DeviceMesh, given: Any, wanted: Any) -> Any:
    """Return an input as a DTensor that lies as wanted."""
    if not isinstance(value, DTensor):
        value = DTensor.from_local(value, mesh, given, run_check=False)
    if given != wanted:
        value = value.redistribute(placements=wanted, async_op=True)
    return value


def _output(value: DTensor, wanted: Any, local: bool) -> Any:
    """Return an output that lies as wanted, its part where that is asked for."""
    if value.placements != tuple(wanted) and list(value.placements) != list(wanted):
        value = value.redistribute(placements=wanted, async_op=True)
    return value.to_local() if local else value


class _Cut(ParallelStyle):
    """A linear layer or an embedding whose weight is cut."""

    def __init__(
        self, input_layouts: Any, output_layouts: Any, desired: Any, use_local_output: bool
    ):
        self.input_layouts = (input_layouts,)
        self.output_layouts = (output_layouts,)
        self.desired_input_layouts = (desired,)
        self.use_local_output = use_local_output

    #: Which dimension of each parameter is cut, by the class of the module; ``None`` for none.
    _cuts: dict[type, dict[str, int | None]] = {}

    def _partition(self, name: str, module: nn.Module, mesh: DeviceMesh) -> None:
        cuts = next(c for kind, c in self._cuts.items() if isinstance(module, kind))
        for own, parameter in list(module.named_parameters(recurse=False)):
            dim = cuts.get(own)
            placement = Replicate() if dim is None else Shard(dim)
            made = distribute_tensor(
                parameter.data, mesh, [placement], src_data_rank=self.src_data_rank
            )
            module.register_parameter(
                own, nn.Parameter(made, requires_grad=parameter.requires_grad)
            )

    def _prepare(self, module: nn.Module, inputs: Any, mesh: DeviceMesh) -> Any:
        return _input(inputs[0], mesh, self.input_layouts, self.desired_input_layouts)

    def _finish(self, module: nn.Module, outputs: Any, mesh: DeviceMesh) -> Any:
        layouts = tuple([_from_front(each, outputs.ndim) for each in self.output_layouts])
        return _output(outputs, layouts, self.use_local_output)

    def _apply(self, module: nn.Module, device_mesh: DeviceMesh) -> nn.Module:
        if not isinstance(module, tuple(self._cuts)):
            raise NotImplementedError(
                f"{type(self).__name__} currently only support nn.Linear and nn.Embedding!"
            )
        return distribute_module(module, device_mesh, self._partition, self._prepare, self._finish)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(input_layouts={self.input_layouts}, "
            f"output_layouts={self.output_layouts}, use_local_output={self.use_local_output})"
        )


def _from_front(placement: Placement, ndim: int) -> Placement:
    if type(placement) is Shard and placement.dim < 0:
        return Shard(placement.dim + ndim)
    return placement


class ColwiseParallel(_Cut):
    """Cut a linear layer by its outputs, an embedding by its columns.

    Args:
        input_layouts: how the input lies; replicated by default.
        output_layouts: how the output shall lie; cut along the last dimension by default.
        use_local_output: whether the output is this process's part instead of a ``DTensor``.
    """

    _cuts = {nn.Linear: {"weight": 0, "bias": 0}, nn.Embedding: {"weight": 1}}

    def __init__(
        self,
        *,
        input_layouts: Placement | None = None,
        output_layouts: Placement | None = None,
        use_local_output: bool = True,
    ):
        super().__init__(
            input_layouts or Replicate(), output_layouts or Shard(-1), Replicate(), use_local_output
        )


class RowwiseParallel(_Cut):
    """Cut a linear layer by its inputs, an embedding by its rows.

    Args:
        input_layouts: how the input lies; cut along the last dimension by default.
        output_layouts: how the output shall lie; replicated by default.
        use_local_output: whether the output is this process's part instead of a ``DTensor``.
    """

    _cuts = {nn.Linear: {"weight": 1, "bias": None}, nn.Embedding: {"weight": 0}}

    def __init__(
        self,
        *,
        input_layouts: Placement | None = None,
        output_layouts: Placement | None = None,
        use_local_output: bool = True,
    ):
        super().__init__(
            input_layouts or Shard(-1), output_layouts or Replicate(), Shard(-1), use_local_output
        )

    def _apply(self, module: nn.Module, device_mesh: DeviceMesh) -> nn.Module:
        self.desired_input_layouts = (
            (Replicate(),) if isinstance(module, nn.Embedding) else (Shard(-1),)
        )
        return super()._apply(module, device_mesh)


class SequenceParallel(ParallelStyle):
    """Replicate a norm's or dropout's parameters and cut what it computes along the sequence.

    Args:
        sequence_dim: the dimension of the sequence.
        use_local_output: whether the output is this process's part instead of a ``DTensor``.
    """

    def __init__(self, *, sequence_dim: int = 1, use_local_output: bool = False):
        self.sequence_sharding = (Shard(sequence_dim),)
        self.use_local_output = use_local_output

    def _partition(self, name: str, module: nn.Module, mesh: DeviceMesh) -> None:
        for own, parameter in list(module.named_parameters(recurse=False)):
            made = DTensor.from_local(parameter.detach(), mesh, [Replicate()], run_check=False)
            module.register_parameter(
                own, nn.Parameter(made, requires_grad=parameter.requires_grad)
            )

    def _prepare(self, module: nn.Module, inputs: Any, mesh: DeviceMesh) -> Any:
        value = inputs[0]
        if isinstance(value, DTensor):
            if value.placements != self.sequence_sharding:
                value = value.redistribute(placements=self.sequence_sharding, async_op=True)
            return value
        if isinstance(value, torch.Tensor):
            return DTensor.from_local(value, mesh, self.sequence_sharding, run_check=False)
        raise ValueError(
            f"expecting input of {module} to be a torch.Tensor or DTensor, but got {value}"
        )

    def _finish(self, module: nn.Module, outputs: Any, mesh: DeviceMesh) -> Any:
        return outputs.to_local() if self.use_local_output else outputs

    def _apply(self, module: nn.Module, device_mesh: DeviceMesh) -> nn.Module:
        return distribute_module(module, device_mesh, self._partition, self._prepare, self._finish)

    def __repr__(self) -> str:
        dim = self.sequence_sharding[0].dim
        return f"SequenceParallel(sequence_dim={dim}, use_local_output={self.use_local_output})"


def _listed(layouts: Any) -> Any:
    return (layouts,) if isinstance(layouts, Placement) else layouts


class PrepareModuleInput(ParallelStyle):
    """Make a module's inputs DTensors and redistribute them.

    Args:
        input_layouts: how the inputs lie by place; ``None`` for those to be left alone.
        desired_input_layouts: how they shall lie.
        input_kwarg_layouts, desired_input_kwarg_layouts: the same for inputs by name.
        use_local_output: whether the module sees this process's parts.
    """

    def __init__(
        self,
        *,
        input_layouts: Layouts | None = None,
        desired_input_layouts: Layouts | None = None,
        input_kwarg_layouts: dict[str, Placement] | None = None,
        desired_input_kwarg_layouts: dict[str, Placement] | None = None,
        use_local_output: bool = False,
    ):
        self.input_layouts = _listed(input_layouts)
        self.desired_input_layouts = _listed(desired_input_layouts)
        self.use_local_output = use_local_output
        if self.input_layouts is not None:
            if self.desired_input_layouts is None:
                raise AssertionError("desired module inputs should not be None!")
            if len(self.input_layouts) != len(self.desired_input_layouts):
                raise AssertionError(
                    "input_layouts and desired_input_layouts should have same length!"
                )
        self.input_kwarg_layouts = input_kwarg_layouts or {}
        self.desired_input_kwarg_layouts = desired_input_kwarg_layouts or {}
        self.with_kwargs = input_kwarg_layouts is not None
        if self.with_kwargs and len(self.input_kwarg_layouts) != len(
            self.desired_input_kwarg_layouts
        ):
            raise AssertionError(
                "input_kwarg_layouts and desired_input_kwarg_layouts should have same length!"
            )

    def _prepared(self, value: Any, mesh: DeviceMesh, given: Any, wanted: Any) -> Any:
        if given is None:
            return value
        if not isinstance(value, torch.Tensor):
            raise AssertionError("expecting input to be a torch.Tensor!")
        if not isinstance(value, DTensor):
            value = DTensor.from_local(value, mesh, (given,), run_check=False)
        if wanted is not None and given != wanted:
            value = value.redistribute(placements=(wanted,))
        return value.to_local() if self.use_local_output else value

    def _inputs(self, inputs: Any, mesh: DeviceMesh) -> Any:
        if self.input_layouts is None:
            return inputs
        values = inputs if isinstance(inputs, tuple) else (inputs,)
        if len(values) != len(self.input_layouts):
            raise ValueError("module inputs and input_layouts should have same length!")
        return tuple(
            [
                self._prepared(value, mesh, given, wanted)
                for value, given, wanted in zip(
                    values, self.input_layouts, self.desired_input_layouts, strict=True
                )
            ]
        )

    def _kwargs(self, kwargs: dict[str, Any], mesh: DeviceMesh) -> dict[str, Any]:
        return {
            name: self._prepared(
                value,
                mesh,
                self.input_kwarg_layouts.get(name),
                self.desired_input_kwarg_layouts.get(name),
            )
            for name, value in kwargs.items()
        }

    def _apply(self, module: nn.Module, device_mesh: DeviceMesh) -> nn.Module:
        if self.with_kwargs:
            module.register_forward_pre_hook(
                lambda _, inputs, kwargs: (
                    self._inputs(inputs, device_mesh),
                    self._kwargs(kwargs, device_mesh),
                ),
                with_kwargs=True,
            )
        else:
            module.register_forward_pre_hook(lambda _, inputs: self._inputs(inputs, device_mesh))
        return module

    def __repr__(self) -> str:
        return f"PrepareModuleInput({self._shown('use_local_output')})"

    def _shown(self, local: str) -> str:
        return (
            f"input_layouts={self.input_layouts}, "
            f"desired_input_layouts={self.desired_input_layouts}, "
            f"input_kwarg_layouts={self.input_kwarg_layouts}, "
            f"desired_input_kwarg_layouts={self.desired_input_kwarg_layouts}, "
            f"{local}={self.use_local_output}"
        )


class PrepareModuleOutput(ParallelStyle):
    """Make a module's outputs DTensors and redistribute them.

    Args:
        output_layouts: how the outputs lie; ``None`` for those to be left alone.
        desired_output_layouts: how they shall lie.
        use_local_output: whether this process's parts are returned.
    """

    def __init__(
        self,
        *,
        output_layouts: Layouts,
        desired_output_layouts: Layouts,
        use_local_output: bool = True,
    ):
        self.output_layouts: Sequence[Any] = _listed(output_layouts)
        self.desired_output_layouts: Sequence[Any] = _listed(desired_output_layouts)
        self.use_local_output = use_local_output
        if len(self.output_layouts) != len(self.desired_output_layouts):
            raise AssertionError(
                "output_layouts and desired_output_layouts should have same length!"
            )

    def _outputs(self, outputs: Any, mesh: DeviceMesh) -> Any:
        values = outputs if isinstance(outputs, tuple) else (outputs,)
        if len(values) != len(self.output_layouts):
            raise ValueError("module outputs and output_layouts should have same length!")
        prepared = []
        for value, given, wanted in zip(
            values, self.output_layouts, self.desired_output_layouts, strict=True
        ):
            if given is None:
                prepared.append(value)
                continue
            if not isinstance(value, DTensor):
                value = DTensor.from_local(value, mesh, (given,), run_check=False)
            if given != wanted:
                value = value.redistribute(placements=(wanted,))
            prepared.append(value.to_local() if self.use_local_output else value)
        return prepared[0] if len(prepared) == 1 else tuple(prepared)

    def _apply(self, module: nn.Module, device_mesh: DeviceMesh) -> nn.Module:
        module.register_forward_hook(lambda _, inputs, outputs: self._outputs(outputs, device_mesh))
        return module

    def __repr__(self) -> str:
        return f"PrepareModuleOutput({self._shown()})"

    def _shown(self) -> str:
        return (
            f"output_layouts={self.output_layouts}, "
            f"desired_output_layouts={self.desired_output_layouts}, "
            f"use_local_output={self.use_local_output}"
        )


class PrepareModuleInputOutput(ParallelStyle):
    """Both of ``PrepareModuleInput`` and ``PrepareModuleOutput``.

    Args:
        input_layouts, desired_input_layouts, input_kwarg_layouts, desired_input_kwarg_layouts: of
            the inputs.
        use_local_input: whether the module sees this process's parts.
        output_layouts, desired_output_layouts, use_local_output: of the outputs.
    """

    def __init__(
        self,
        *,
        input_layouts: Layouts | None = None,
        desired_input_layouts: Layouts | None = None,
        input_kwarg_layouts: dict[str, Placement] | None = None,
        desired_input_kwarg_layouts: dict[str, Placement] | None = None,
        use_local_input: bool = False,
        output_layouts: Layouts,
        desired_output_layouts: Layouts,
        use_local_output: bool = True,
    ):
        self.prepare_module_input = PrepareModuleInput(
            input_layouts=input_layouts,
            desired_input_layouts=desired_input_layouts,
            input_kwarg_layouts=input_kwarg_layouts,
            desired_input_kwarg_layouts=desired_input_kwarg_layouts,
            use_local_output=use_local_input,
        )
        self.prepare_module_output = PrepareModuleOutput(
            output_layouts=output_layouts,
            desired_output_layouts=desired_output_layouts,
            use_local_output=use_local_output,
        )

    def _apply(self, module: nn.Module, device_mesh: DeviceMesh) -> nn.Module:
        self.prepare_module_input._apply(module, device_mesh)
        self.prepare_module_output._apply(module, device_mesh)
        return module

    def __repr__(self) -> str:
        inputs = self.prepare_module_input._shown("use_local_input")
        return f"PrepareModuleInputOutput({inputs}, {self.prepare_module_output._shown()})"
