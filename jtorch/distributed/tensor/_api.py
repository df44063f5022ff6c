"""``DTensor``: a tensor of which each process of a device mesh has a part."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import jtorch as torch

from ..._engine.recording.overrides import disabled_implementation
from ..device_mesh import DeviceMesh, _mesh_resources
from . import _dispatch, _gradients, _messages
from ._dtensor_spec import DTensorSpec, TensorMeta
from ._gradients import REPLICATED, TERMS, gradient_placements, kinds_of
from ._redistribute import redistribute_local
from .placement_types import Partial, Placement, Replicate, Shard, _StridedShard

_plain = torch.Tensor._make_wrapper_subclass  # type: ignore[attr-defined]


def normalised(placements: Sequence[Placement], ndim: int) -> tuple[Placement, ...]:
    """Return placements with dimensions counted from the front."""
    found: list[Placement] = []
    for placement in placements:
        if type(placement) is Shard and placement.dim < 0:
            placement = Shard(placement.dim + ndim)
        found.append(placement)
    return tuple(found)


class DTensor(torch.Tensor):
    """A tensor of which each process of a device mesh has a part.

    It is made by ``distribute_tensor``, ``DTensor.from_local`` and the functions that make tensors.
    Operators on it run on the parts; where these do not suffice, collectives run first.

    Args:
        local_tensor: this process's part.
        spec: mesh, placements, and what the whole tensor is.
        requires_grad: whether gradients flow to it.
    """

    _local: torch.Tensor
    _spec: DTensorSpec
    _kinds: _gradients.Kinds
    __torch_function__ = disabled_implementation

    def __new__(
        cls, local_tensor: torch.Tensor, spec: DTensorSpec, *, requires_grad: bool = False
    ) -> DTensor:
        if local_tensor.requires_grad != requires_grad or not local_tensor.is_leaf:
            local_tensor = local_tensor.detach().requires_grad_(requires_grad)
        return wrap(local_tensor, spec)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operator on the parts."""
        return _dispatch.dispatch(func, args, kwargs or {})

    @classmethod
    def __untranslated__(cls, function: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Do a function that is no operator with whole tensors, in each process.

        Raises:
            NotImplementedError: it writes to its operands, or there are several meshes.
        """
        return _dispatch.on_whole_tensors(function, args, kwargs)

    # What it is

    @property
    def device_mesh(self) -> DeviceMesh:
        """The mesh that it lies on."""
        return self._spec.mesh

    @property
    def placements(self) -> tuple[Placement, ...]:
        """How it lies along each dimension of the mesh."""
        return self._spec.placements

    @property
    def _local_tensor(self) -> torch.Tensor:
        local = self._local
        return local.detach() if local.requires_grad else local

    @_local_tensor.setter
    def _local_tensor(self, value: torch.Tensor) -> None:
        if self._local.requires_grad and self._local.is_leaf:
            value = value.detach().requires_grad_()
        self._local = value

    def __repr__(self, *, tensor_contents: str | None = None) -> str:  # type: ignore[override]
        return (
            f"DTensor(local_tensor={self._local.detach()}, device_mesh={self.device_mesh}, "
            f"placements={self.placements})"
        )

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __hash__(self) -> int:
        return id(self)

    def new_tensor(self, data: Any, **options: Any) -> torch.Tensor:  # type: ignore[override]
        """Return a plain tensor of some data, of this tensor's dtype unless another is named."""
        options.setdefault("dtype", self.dtype)
        return torch.tensor(data, **options)

    def is_pinned(self) -> bool:  # type: ignore[override]
        """Return whether the part lies in pinned memory."""
        return self._local.is_pinned()

    # Made of parts and taken apart

    @staticmethod
    def from_local(
        local_tensor: torch.Tensor,
        device_mesh: DeviceMesh | None = None,
        placements: Sequence[Placement] | None = None,
        *,
        run_check: bool = False,
        shape: Any = None,
        stride: Any = None,
        grad_placements: Sequence[Placement] | None = None,
    ) -> DTensor:
        """Return the tensor that the processes' tensors are parts of; differentiable.

        Args:
            local_tensor: this process's part.
            device_mesh: the mesh; by default the one that was entered.
            placements: how the parts lie; replicated by default.
            run_check: whether replicated parts are made equal by broadcasting the first one.
            shape, stride: of the whole tensor; by default all parts are as large as this one.
            grad_placements: how the gradient is to lie before its part is handed on.
        """
        if isinstance(local_tensor, DTensor):
            raise RuntimeError(
                "the local_tensor argument only accepts torch.Tensor but got "
                f"{type(local_tensor)} value."
            )
        mesh = device_mesh or _mesh_resources.get_current_mesh()
        found = placements or [Replicate() for _ in range(mesh.ndim)]
        found = normalised(found, local_tensor.ndim)
        _messages.check_shards(found, local_tensor.ndim)
        meta = _whole(local_tensor, mesh, found, shape, stride)
        if mesh.get_coordinate() is None:
            local_tensor = local_tensor.new_empty(0, requires_grad=local_tensor.requires_grad)
        elif run_check:
            local_tensor = _checked(local_tensor, mesh, found)
        spec = DTensorSpec(mesh, found, meta)
        if not (local_tensor.requires_grad and torch.is_grad_enabled()):
            return wrap(local_tensor.view_as(local_tensor), spec)
        before = [Replicate() if p.is_partial() else p for p in found]
        kinds = kinds_of(found)
        if grad_placements is None and not any(kinds):
            return wrap(local_tensor.view_as(local_tensor), spec, kinds)
        ndim = local_tensor.ndim
        wanted = before if grad_placements is None else normalised(grad_placements, ndim)
        made = _gradients.FromLocal.apply(local_tensor, meta.shape, mesh, found, kinds, wanted)
        return wrap(made, spec, kinds)

    def to_local(self, *, grad_placements: Sequence[Placement] | None = None) -> torch.Tensor:
        """Return this process's part; differentiable.

        Args:
            grad_placements: how the gradients of the parts lie; by default as the tensor does.
        """
        local = self._local
        if not (local.requires_grad and torch.is_grad_enabled()):
            return local
        if grad_placements is None:
            yields = [None if kind is None else REPLICATED for kind in self._kinds]
            return _gradients.use(local.view_as(local), self, yields)
        return _gradients.use_with_gradient(
            local.view_as(local), self, normalised(grad_placements, self.ndim)
        )

    def redistribute(
        self,
        device_mesh: DeviceMesh | None = None,
        placements: Sequence[Placement] | None = None,
        *,
        async_op: bool = False,
        forward_dtype: Any = None,
        backward_dtype: Any = None,
    ) -> DTensor:
        """Return the tensor with other placements; differentiable.

        Args:
            device_mesh: its own mesh.
            placements: how it shall lie.
            async_op: accepted; the result is complete.
            forward_dtype: a dtype to be sent in.
            backward_dtype: a dtype for the gradients to be sent in; refused.
        Raises:
            RuntimeError: no placements are given, or one is partial and the tensor's is not.
        """
        mesh = device_mesh or self.device_mesh
        if placements is None:
            raise RuntimeError("placements is needed for redistribute!")
        if mesh != self.device_mesh:
            raise NotImplementedError("Cross device mesh comm not supported yet!")
        if backward_dtype is not None:
            raise NotImplementedError("DTensor.redistribute: jtorch has no backward_dtype")
        target = normalised(placements, self.ndim)
        for before, after in zip(self.placements, target, strict=False):
            if after.is_partial() and before != after:
                raise RuntimeError(
                    f"Can not redistribute from {before} to {after}, redistributing to Partial is "
                    "for internal use only!"
                )
        _messages.check_shards(target, self.ndim)
        own = self.dtype
        source = self if forward_dtype in (None, own) else self.to(forward_dtype)
        result = _dispatch.redistributed(source, target)
        return result if source is self else result.to(own)

    def full_tensor(self, *, grad_placements: Sequence[Placement] | None = None) -> torch.Tensor:
        """Return the whole tensor on each process; differentiable.

        Args:
            grad_placements: how the gradients of the processes' results lie; replicated by default.
        """
        whole = self.redistribute(placements=[Replicate()] * self.device_mesh.ndim)
        return whole.to_local(grad_placements=grad_placements)

    # Gradients, which flow along the parts

    def _like_gradient(self, local: torch.Tensor) -> DTensor:
        """Return a gradient of this tensor, of which a part is given."""
        placements = gradient_placements(self.placements, self._kinds)
        meta = self._spec.tensor_meta
        spec = DTensorSpec(
            self.device_mesh, placements, TensorMeta(meta.shape, meta.stride, local.dtype)
        )
        return wrap(local, spec)

    def _part_of_gradient(self, gradient: Any) -> torch.Tensor:
        """Return this process's part of a gradient of this tensor."""
        target = gradient_placements(self.placements, self._kinds)
        mesh = self.device_mesh
        if not isinstance(gradient, DTensor):
            raise _messages.mixed("aten.add.Tensor")
        if tuple(target) == gradient.placements:
            return gradient._local
        return redistribute_local(
            gradient._local, self.shape, mesh, gradient.placements, tuple(target)
        )

    @property
    def requires_grad(self) -> bool:  # type: ignore[override]
        """Whether gradients flow to it."""
        return self._local.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._local.requires_grad = value

    def requires_grad_(self, requires_grad: bool = True) -> DTensor:  # type: ignore[override]
        """Say whether gradients flow to it."""
        self._local.requires_grad_(requires_grad)
        return self

    @property
    def is_leaf(self) -> bool:  # type: ignore[override]
        """Whether it was not computed, or from nothing that requires grad."""
        return self._local.is_leaf

    @property
    def grad_fn(self) -> Any:  # type: ignore[override]
        """What computes its gradient."""
        return self._local.grad_fn

    @property
    def grad(self) -> Any:  # type: ignore[override]
        """The gradient, a ``DTensor``, or ``None``."""
        local = self._local.grad
        if local is None:
            return None
        known = self.__dict__.get("_grad_made")
        if known is None or known[0] is not local:
            known = (local, self._like_gradient(local))
            self.__dict__["_grad_made"] = known
        return known[1]

    @grad.setter
    def grad(self, value: Any) -> None:
        self.__dict__.pop("_grad_made", None)
        if value is None:
            self._local.grad = None
            return
        if isinstance(value, DTensor):
            for kind, placement in zip(self._kinds, value.placements, strict=True):
                if kind is not None:
                    kind.settle(TERMS if placement.is_partial() else REPLICATED)
        self._local.grad = self._part_of_gradient(value).detach()
        if isinstance(value, DTensor):
            made = value
            if value._local is not self._local.grad:
                made = self._like_gradient(self._local.grad)
            self.__dict__["_grad_made"] = (self._local.grad, made)

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    def retain_grad(self) -> None:
        """Keep the gradient in ``grad``, though it is no leaf."""
        self._local.retain_grad()

    @property
    def retains_grad(self) -> bool:  # type: ignore[override]
        """Whether it is no leaf and keeps its gradient."""
        return self._local.retains_grad

    def register_hook(self, hook: Callable) -> Any:  # type: ignore[override]
        """Call ``hook(gradient)`` when the gradient is computed; it may return another one."""

        def on_part(local: torch.Tensor) -> Any:
            changed = hook(self._like_gradient(local))
            return None if changed is None else self._part_of_gradient(changed)

        return self._local.register_hook(on_part)

    def register_post_accumulate_grad_hook(self, hook: Callable) -> Any:  # type: ignore[override]
        """Call ``hook(self)`` when its gradient has been accumulated."""
        return self._local.register_post_accumulate_grad_hook(lambda local: hook(self))

    def backward(  # type: ignore[override]
        self,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Compute the gradients of the leaves, as ``Tensor.backward`` does."""
        torch.autograd.backward(
            self, gradient, retain_graph=retain_graph, create_graph=create_graph, inputs=inputs
        )

    def detach_(self) -> DTensor:  # type: ignore[override]
        """Forget how it was computed."""
        self._local.detach_()
        return self

    @property  # type: ignore[override]
    def data(self) -> DTensor:
        """The tensor without its history."""
        return self.detach()  # type: ignore[return-value]

    @data.setter
    def data(self, value: DTensor) -> None:
        self._local.data = value._local.detach()
        self._spec = value._spec
        self._value = value._value  # type: ignore[attr-defined]

    @property
    def _extra(self) -> Any:  # what hooks and the optimisers' ``zero_grad`` keep beside a tensor
        return self._local._extra  # type: ignore[attr-defined]

    @_extra.setter
    def _extra(self, value: Any) -> None:
        local = self.__dict__.get("_local")
        if local is not None:
            local._extra = value

    def __part__(self, value: Any = None) -> Any:
        """Return the part of this tensor, or of another one cut as this one is.

        Args:
            value: a ``DTensor``; what is none is returned.
        """
        if value is None or value is self:
            return self._local
        if not isinstance(value, DTensor):
            return value
        if value.placements == self.placements:
            return value._local.detach() if value._local.requires_grad else value._local
        return redistribute_local(
            value._local.detach(), self.shape, self.device_mesh, value.placements, self.placements
        )

    def __with_part__(self, part: torch.Tensor) -> DTensor:
        """Return a tensor that lies as this one, of another part."""
        meta = self._spec.tensor_meta
        spec = DTensorSpec(
            self.device_mesh, self.placements, TensorMeta(meta.shape, meta.stride, part.dtype)
        )
        return wrap(part, spec)

    @property
    def _version(self) -> int:  # type: ignore[override]
        return self._local._version

    # As an object

    def __deepcopy__(self, memo: dict) -> DTensor:
        if id(self) in memo:
            return memo[id(self)]
        copied = wrap(self._local.detach().clone().requires_grad_(self.requires_grad), self._spec)
        _take_marks(copied, self)
        memo[id(self)] = copied
        return copied

    def __reduce_ex__(self, protocol: Any) -> Any:
        marked = bool(getattr(self, "_is_param", False))
        return _rebuild, (self._local.detach(), self._spec, self.requires_grad, marked)

    def __tensor_flatten__(self) -> tuple[list[str], Any]:
        """Return the names of the tensors that it is made of, and what else it needs."""
        return ["_local_tensor"], (self._spec, self.requires_grad)

    @staticmethod
    def __tensor_unflatten__(
        inner: dict[str, Any], context: Any, size: Any, stride: Any
    ) -> DTensor:
        """Return a tensor made of what ``__tensor_flatten__`` returned."""
        spec, requires_grad = context
        return DTensor(inner["_local_tensor"], spec, requires_grad=requires_grad)


def _take_marks(made: DTensor, source: DTensor) -> None:
    if getattr(source, "_is_param", False):
        made._is_param = True  # type: ignore[attr-defined]


def _rebuild(local: Any, spec: DTensorSpec, requires_grad: bool, is_parameter: bool) -> DTensor:
    """Return a tensor that was pickled."""
    made = wrap(local.detach().requires_grad_(requires_grad), spec)
    if is_parameter:
        made._is_param = True  # type: ignore[attr-defined]
    return made


def wrap(local: torch.Tensor, spec: DTensorSpec, kinds: Any = None) -> DTensor:
    """Return the tensor of a part, along which its gradients flow.

    Args:
        local: this process's part.
        spec: mesh, placements, and what the whole is.
        kinds: how gradients lie where it is replicated; new ones by default.
    """
    meta = spec.tensor_meta
    made = _plain(DTensor, meta.shape, strides=meta.stride, dtype=meta.dtype, device=local.device)
    made._local = local
    made._spec = spec
    made._kinds = kinds_of(spec.placements) if kinds is None else kinds
    return made


_dispatch.set_wrap(DTensor, wrap)


def _whole(
    local: torch.Tensor, mesh: DeviceMesh, placements: Sequence[Placement], shape: Any, stride: Any
) -> TensorMeta:
    """Return what the tensor is of which a part is given."""
    if shape is not None and stride is not None:
        return TensorMeta(torch.Size(shape), tuple(stride), local.dtype)
    if shape is not None or stride is not None:
        raise RuntimeError(
            f"Found shape:{shape}, stride:{stride}.",
            "Please pass both shape and stride at the same time.",
        )
    sizes, strides = list(local.shape), list(local.stride())
    for index, placement in enumerate(placements):
        if isinstance(placement, Shard):
            dim, count = placement.dim, mesh.size(index)
            sizes[dim] *= count
            own = strides[dim]
            for other in range(len(strides)):
                outer = strides[other] > own or (strides[other] == own and other < dim)
                if other != dim and outer and local.size(dim) > 0:
                    strides[other] *= count
    return TensorMeta(torch.Size(sizes), tuple(strides), local.dtype)


def _checked(local: Any, mesh: DeviceMesh, placements: Sequence[Placement]) -> Any:
    """Return a part that is equal in all processes where it is replicated."""
    for index, placement in enumerate(placements):
        if isinstance(placement, Replicate):
            group = mesh.get_group(index)
            local = local.contiguous()
            source = torch.distributed.get_global_rank(group, 0)
            with torch.no_grad(), contextlib.suppress(StopIteration):
                torch.distributed.broadcast(local, source, group=group)
    return local


def _route(
    run: Callable, outputs: tuple, gradients: tuple, inputs: tuple | None, *rest: Any
) -> list[Any]:
    """Run a backward pass some of whose ends are DTensors."""
    ends, cotangents = [], []
    for output, gradient in zip(outputs, gradients, strict=True):
        if isinstance(output, DTensor):
            if not all(map(_gradients.is_plain_sum, output.placements)):
                output = output.redistribute(
                    placements=[Replicate() if p.is_partial() else p for p in output.placements]
                )
            if gradient is None:
                if output.numel() != 1:
                    raise RuntimeError("grad can be implicitly created only for scalar outputs")
                ones = torch.ones_like(output._local.detach())
                replicated = [Replicate()] * output.device_mesh.ndim
                target = gradient_placements(output.placements, output._kinds)
                if not any(isinstance(p, Shard) for p in target):
                    ones = redistribute_local(
                        ones, output.shape, output.device_mesh, replicated, target
                    )
                gradient = ones
            else:
                gradient = output._part_of_gradient(gradient)
            output = output._local
        ends.append(output)
        cotangents.append(gradient)
    wanted = inputs
    if inputs is not None:
        wanted = tuple([t._local if isinstance(t, DTensor) else t for t in inputs])
    results = run(tuple(ends), tuple(cotangents), wanted, *rest)
    if inputs is None:
        return results
    return [
        tensor._like_gradient(torch.autograd.as_tensor(value))
        if isinstance(tensor, DTensor) and value is not None
        else value
        for tensor, value in zip(inputs, results, strict=True)
    ]


torch.autograd.set_wrapper_route(_route)  # type: ignore[attr-defined]
DTensor.__module__ = "torch.distributed.tensor"
_KEPT = (Partial, _StridedShard)
