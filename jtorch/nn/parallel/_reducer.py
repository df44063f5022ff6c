"""Gradients of many processes made one: buckets, which of them a step used, and their mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jtorch as torch

from ..._engine.memory.exchange import elements_of
from ..._engine.memory.from_host import fresh_tensor
from ..._engine.recording.trace import local
from ...ops.optim.buckets import bucket_parts, flat_bucket

_UNFINISHED = (
    "Expected to have finished reduction in the prior iteration before starting a new one. This "
    "error indicates that your module has parameters that were not used in producing loss. You can "
    "enable unused parameter detection by passing the keyword argument "
    "`find_unused_parameters=True` to `torch.nn.parallel.DistributedDataParallel`, and by \n"
    "making sure all `forward` function outputs participate in calculating loss. \n"
    "If you already have done the above, then the distributed data parallel module wasn't able to "
    "locate the output tensors in the return value of your module's `forward` function. Please "
    "include the loss function and the structure of the return value of `forward` of your module "
    "when reporting this issue (e.g. list, dict, iterable)."
)


class GradBucket:
    """Gradients one after another in one tensor, as a communication hook gets them."""

    __module__ = "torch._C._distributed_c10d"

    def __init__(self, index: int, buffer: Any, parameters: Sequence[Any], is_last: bool):
        self._index = index
        self._buffer = buffer
        self._parameters = list(parameters)
        self._is_last = is_last

    def index(self) -> int:
        """Return which bucket of the step it is, from 0 on."""
        return self._index

    def buffer(self) -> Any:
        """Return the gradients one after another, in one dimension."""
        return self._buffer

    def set_buffer(self, buffer: Any) -> None:
        """Replace the gradients."""
        self._buffer = buffer

    def gradients(self) -> list[Any]:
        """Return the gradients, each a view of the buffer."""
        sizes = [parameter.numel() for parameter in self._parameters]
        parts = self._buffer.split(sizes)
        return [
            part.view(parameter.shape)
            for part, parameter in zip(parts, self._parameters, strict=True)
        ]

    def parameters(self) -> list[Any]:
        """Return the parameters, in the order of their gradients."""
        return list(self._parameters)

    def is_last(self) -> bool:
        """Return whether it is the last one of the step."""
        return self._is_last


class Reducer:
    """Averages the gradients of some parameters over the processes of a group.

    All gradients of one dtype and device go in one bucket: XLA's collectives on the CPU do not run
    beside the backward pass, which is one program, so to cut it would only cost.

    Args:
        parameters: those that require grad.
        group: the processes.
        finds_unused: whether a step may leave parameters without a gradient, others in each
            process.
    """

    def __init__(self, parameters: Sequence[Any], group: Any, finds_unused: bool):
        self.parameters = list(parameters)
        self.group = group
        self.finds_unused = finds_unused
        self.hook: tuple[Any, Callable] | None = None
        #: Whether the next backward pass is of a step that is to be reduced.
        self.expects = False
        #: What sums are divided by, where that is not the number of processes.
        self.divisor: int | None = None
        self._numbers = {id(parameter): at for at, parameter in enumerate(self.parameters)}
        self._ready: set[int] = set()

    def prepare(self) -> None:
        """Begin a step.

        Raises:
            RuntimeError: parameters of the last one had no gradient.
        """
        if self._ready:
            missing = [at for at in range(len(self.parameters)) if at not in self._ready]
            self._ready.clear()
            shown = " ".join(map(str, missing))
            raise RuntimeError(
                f"{_UNFINISHED}\nParameter indices which did not receive grad for rank "
                f"{self.group.rank()}: {shown}\n In addition, you can set the environment variable "
                "TORCH_DISTRIBUTED_DEBUG to either INFO or DETAIL to print out information about "
                "which particular parameters did not receive gradient on this rank as part of this "
                "error"
            )
        self.expects = True

    def accumulated(self, leaves: Sequence[Any]) -> None:
        """Reduce when all gradients are there."""
        if not self.expects:
            return
        numbers = self._numbers
        ready = {numbers[id(leaf)] for leaf in leaves if id(leaf) in numbers}
        if not ready:
            return
        self._ready |= ready
        if len(self._ready) == len(self.parameters) or self.finds_unused:
            used, self._ready = self._ready, set()
            self.expects = False
            self._reduce(used)

    def reduce_nothing(self) -> None:
        """Take part in the reduction of a step of the others, with gradients of zero."""
        held = [parameter.grad for parameter in self.parameters]
        for parameter in self.parameters:
            parameter.grad = torch.zeros_like(parameter)
        self._reduce(set() if self.finds_unused else set(range(len(held))))
        for parameter, gradient in zip(self.parameters, held, strict=True):
            parameter.grad = gradient

    def _reduce(self, used: set[int]) -> None:
        members = range(len(self.parameters))
        if self.finds_unused:
            counts = torch.tensor([int(at in used) for at in members], dtype=torch.int32)
            torch.distributed.all_reduce(counts, group=self.group)
            members = [at for at in members if counts[at]]  # type: ignore[assignment]
        buckets: dict[Any, list[Any]] = {}
        for at in reversed(members):  # as gradients become ready
            parameter = self.parameters[at]
            buckets.setdefault((parameter.dtype, parameter.device), []).append(parameter)
        futures = []
        with torch.no_grad():
            for index, parameters in enumerate(buckets.values()):
                gradients = [
                    torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                    for parameter in parameters
                ]
                last = index == len(buckets) - 1
                if self.hook is None:
                    self._mean(gradients, parameters)
                else:
                    flat = flat_bucket.call(gradients, 1)
                    bucket = GradBucket(index, flat, parameters, last)
                    futures.append((self.hook[1](self.hook[0], bucket), parameters))
            for future, parameters in futures:
                found = future.wait()
                self._give(found[0] if isinstance(found, list) else found, parameters)
        # The next reduction runs the optimiser's step, with the next forward and backward pass.
        local.continues = local.trace.segment

    def _mean(self, gradients: list[Any], parameters: list[Any]) -> None:
        group = self.group
        flat = flat_bucket.call(gradients, self.divisor or group.size())
        own = elements_of(flat, "gradients of all processes")
        reduced = group.received("all_reduce", "all_reduce", own, "sum")
        self._give(fresh_tensor(reduced, flat.dtype, flat.device), parameters)

    def _give(self, flat: Any, parameters: list[Any]) -> None:
        for parameter, part in zip(parameters, bucket_parts.call(flat, parameters), strict=True):
            if parameter.grad is None:
                parameter.grad = part
            else:
                parameter.grad.copy_(part)
