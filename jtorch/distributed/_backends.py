"""The names of backends and of reductions."""

from __future__ import annotations

import enum
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from .._core.device import Device


class ReduceOp:
    """Names the ways to reduce the tensors of processes; an instance is one of them."""

    __module__ = "torch.distributed.distributed_c10d"

    class RedOpType(enum.IntEnum):
        """The ways."""

        SUM = 0
        AVG = 1
        PRODUCT = 2
        MIN = 3
        MAX = 4
        BAND = 5
        BOR = 6
        BXOR = 7
        PREMUL_SUM = 8

        def __str__(self) -> str:
            return f"RedOpType.{self.name}"

        __repr__ = enum.Enum.__repr__

    SUM = RedOpType.SUM
    AVG = RedOpType.AVG
    PRODUCT = RedOpType.PRODUCT
    MIN = RedOpType.MIN
    MAX = RedOpType.MAX
    BAND = RedOpType.BAND
    BOR = RedOpType.BOR
    BXOR = RedOpType.BXOR
    PREMUL_SUM = RedOpType.PREMUL_SUM

    def __init__(self, op: RedOpType):
        self.op = ReduceOp.RedOpType(op)

    def __eq__(self, other: object) -> bool:
        return self.op == (other.op if isinstance(other, ReduceOp) else other)

    def __hash__(self) -> int:
        return hash(self.op)


ReduceOp.RedOpType.__module__ = "torch._C._distributed_c10d"


class _DeprecatedReduceOp:
    """The name that ``ReduceOp`` had before."""

    def __getattr__(self, name: str) -> Any:
        warnings.warn(
            "`torch.distributed.reduce_op` is deprecated, "
            "please use `torch.distributed.ReduceOp` instead",
            category=FutureWarning,
            stacklevel=2,
        )
        return getattr(ReduceOp, name)


reduce_op = _DeprecatedReduceOp()


class _Plugin(NamedTuple):
    creator_fn: Callable
    extended_api: bool


class Backend(str):
    """The name of a backend, in lower case.

    ``gloo`` and ``nccl`` say on which devices tensors of a group lie; all are run by XLA. ``fake``
    runs nothing: each process computes as though the others had its own tensors.
    """

    UNDEFINED = "undefined"
    GLOO = "gloo"
    NCCL = "nccl"
    UCC = "ucc"
    MPI = "mpi"
    XCCL = "xccl"
    FAKE = "fake"

    backend_list = [UNDEFINED, GLOO, NCCL, XCCL, UCC, MPI, FAKE]
    default_device_backend_map = {"cpu": GLOO, "cuda": NCCL, "xpu": XCCL, "mps": GLOO}
    backend_capability = {
        GLOO: ["cpu", "cuda"],
        NCCL: ["cuda"],
        XCCL: ["xpu"],
        UCC: ["cpu", "cuda"],
        MPI: ["cpu", "cuda"],
        FAKE: ["cpu", "cuda", "hpu", "xpu"],
    }
    _plugins: dict[str, _Plugin] = {}

    def __new__(cls, name: str) -> Any:
        if not isinstance(name, str):
            raise ValueError("Backend constructor parameter must be string-ish")
        value = getattr(Backend, name.upper(), Backend.UNDEFINED)
        return name.lower() if value == Backend.UNDEFINED else value

    @classmethod
    def register_backend(
        cls, name: str, func: Callable, extended_api: bool = False, devices: Any = None
    ) -> None:
        """Refuse a backend of another library.

        Raises:
            NotImplementedError: always; XLA moves the tensors of jtorch.
        """
        raise NotImplementedError(
            f"torch.distributed.Backend.register_backend({name!r}): the groups of jtorch are run "
            "by XLA, which takes no other backend"
        )


class BackendConfig:
    """Which backend serves which type of device.

    Args:
        backend: one name for all devices that it can serve, or ``"cpu:gloo,cuda:nccl"``.
    """

    def __init__(self, backend: str):
        self.device_backend_map: dict[str, str] = {}
        backend = str(backend)
        if backend == Backend.UNDEFINED:
            for device, name in Backend.default_device_backend_map.items():
                self.device_backend_map[device] = name
        elif ":" in backend:
            for pair in backend.lower().split(","):
                parts = pair.split(":")
                if len(parts) != 2:
                    raise ValueError(
                        f"Invalid device:backend pairing:                         {pair}. {pair}"
                    )
                device, name = parts
                if device in self.device_backend_map:
                    raise ValueError(
                        f"Duplicate device type {device}                         in backend string:"
                        f" {backend}. {backend}"
                    )
                self.device_backend_map[device] = Backend(name)
        else:
            name = Backend(backend)
            for device in Backend.backend_capability.get(name, ["cpu", "cuda", "xpu"]):
                self.device_backend_map[device] = name

    def __repr__(self) -> str:
        return ",".join(f"{device}:{name}" for device, name in self.device_backend_map.items())

    def get_device_backend_map(self) -> dict[str, str]:
        """Return the backend of each type of device."""
        return self.device_backend_map


def default_for_device(device: Any) -> str:
    """Return the backend that serves a device unless another is asked for."""
    kind = device.type if isinstance(device, Device) else Device(device).type
    found = Backend.default_device_backend_map.get(kind)
    if found is None:
        raise ValueError(f"Default backend not registered for device : {device}")
    return found


class _Options:
    """What a method of ``ProcessGroup`` may be told besides its tensors."""

    def __init__(self) -> None:
        self.asyncOp = True
        self.timeout: Any = None


class AllreduceOptions(_Options):
    """Of ``allreduce``."""

    reduceOp: Any = ReduceOp.SUM


class AllreduceCoalescedOptions(AllreduceOptions):
    """Of ``allreduce_coalesced``."""


class AllToAllOptions(_Options):
    """Of ``alltoall``."""


class BarrierOptions(_Options):
    """Of ``barrier``."""

    device_ids: Any = None
    device: Any = None


class BroadcastOptions(_Options):
    """Of ``broadcast``."""

    rootRank = 0
    rootTensor = 0


class GatherOptions(_Options):
    """Of ``gather``."""

    rootRank = 0


class ReduceOptions(_Options):
    """Of ``reduce``."""

    reduceOp: Any = ReduceOp.SUM
    rootRank = 0
    rootTensor = 0


class ReduceScatterOptions(_Options):
    """Of ``reduce_scatter``."""

    reduceOp: Any = ReduceOp.SUM


class ScatterOptions(_Options):
    """Of ``scatter``."""

    rootRank = 0


class DebugLevel(enum.IntEnum):
    """How much a process checks and says: ``TORCH_DISTRIBUTED_DEBUG``."""

    OFF = 0
    INFO = 1
    DETAIL = 2
