"""Device meshes: the processes of a world in rows and columns, each with groups of its own."""

from __future__ import annotations

import itertools
import math
import threading
import warnings
from collections.abc import Sequence
from typing import Any

import jtorch as torch
import jtorch.distributed as dist

from ._groups import world
from ._mesh_backends import backends_by_dim, normalised_backend
from ._mesh_layout import MeshDim, MeshLayout

__all__ = ["DeviceMesh", "init_device_mesh"]


class _MeshEnvironment(threading.local):
    """The meshes that a thread has entered, the innermost last."""

    def __init__(self) -> None:
        self.mesh_stack: list[DeviceMesh] = []

    def get_current_mesh(self) -> DeviceMesh:
        """Return the innermost mesh that was entered.

        Raises:
            RuntimeError: none was.
        """
        if not self.mesh_stack:
            raise RuntimeError("No device mesh is currently active!")
        return self.mesh_stack[-1]

    def get_root_mesh(self, device_mesh: DeviceMesh) -> DeviceMesh:
        """Return the mesh that a mesh was sliced from, or the mesh itself."""
        return device_mesh._get_root_mesh()


_mesh_resources = _MeshEnvironment()
_MANY_DIMENSIONS = "Optional kwarg `mesh_dim` needs to be specified when device_mesh.ndim > 1."


def _nested_ranks(mesh: Any) -> tuple[tuple[int, ...], list[int]]:
    """Return the shape of nested ranks and the ranks one after the other."""
    if not isinstance(mesh, torch.Tensor):
        mesh = torch.tensor(mesh, dtype=torch.int)
    return tuple(mesh.shape), [int(rank) for rank in mesh.reshape(-1).tolist()]


class DeviceMesh:
    """The ranks of a world in an array; along each dimension, processes form groups.

    Args:
        device_type: where tensors lie: ``"cpu"`` or ``"cuda"``.
        mesh: the global ranks, nested as the dimensions are.
        mesh_dim_names: a name for each dimension, by which meshes are sliced.
        backend_override: a backend, or a backend and its options, for each dimension.
    """

    device_type: str

    def __init__(
        self,
        device_type: str,
        mesh: Any = None,
        *,
        mesh_dim_names: Sequence[str] | None = None,
        backend_override: tuple[Any, ...] | None = None,
        _init_backend: bool = True,
        _rank: int | None = None,
        _layout: MeshLayout | None = None,
        _rank_map: Sequence[int] | None = None,
        _root_mesh: DeviceMesh | None = None,
    ):
        if mesh is not None:
            if _layout is not None or _rank_map is not None:
                raise TypeError("Cannot provide _layout and/or _rank_map if passing explicit mesh")
            shape, ranks = _nested_ranks(mesh)
            _layout, _rank_map = MeshLayout.contiguous(shape), ranks
        elif _layout is None or _rank_map is None:
            raise TypeError("The mesh argument is required except for PRIVATE USAGE ONLY!")
        if _layout.overlaps():
            raise AssertionError("Please use a non-overlapping layout when creating a DeviceMesh.")
        self.device_type = self._device_type = device_type
        self._layout = _layout
        self._ranks = tuple(_rank_map)
        self._root_mesh = _root_mesh
        self.mesh_dim_names = self._mesh_dim_names = (
            None if mesh_dim_names is None else tuple(mesh_dim_names)
        )
        self._thread_id = threading.get_ident() if _init_backend else None
        self._flatten_mapping: dict[str, DeviceMesh] = {}
        self._dim_groups: list[Any] | None = None
        if backend_override is not None and len(backend_override) != self.ndim:
            raise ValueError(
                "backend_override should have the same length as the number of mesh dimensions, "
                f"but got {len(backend_override)} and {self.ndim}."
            )
        if _init_backend:
            self._enter_world()
            self._rank = dist.get_rank() if _rank is None else _rank
            self._make_groups(backend_override)
        else:
            known = dist.is_available() and dist.is_initialized()
            self._rank = _rank if _rank is not None else (dist.get_rank() if known else 0)
        self._coordinate_on_dim = self._find_coordinate()

    def _enter_world(self) -> None:
        if not dist.is_initialized():
            dist.init_process_group()
        world_size = dist.get_world_size()
        if self._layout.numel() > world_size:
            raise RuntimeError(
                f"Mesh should not be bigger than default world size {world_size}, but found "
                f"{self._layout.numel()} ranks!"
            )
        if self.device_type == "cuda" and not torch.cuda.is_initialized():
            count = torch.cuda.device_count()
            if count and world_size > count and world_size % count != 0:
                raise RuntimeError(
                    f"DeviceMesh only support homogeneous hardware, but found {world_size} ranks "
                    f"and {count} cuda devices!"
                )
            if count:
                torch.cuda.set_device(dist.get_rank() % count)

    def _make_groups(self, backends: tuple[Any, ...] | None) -> None:
        world = list(range(dist.get_world_size()))
        self._dim_groups = []
        for index, dim in enumerate(self._layout.dims):
            backend, options = (None, None) if backends is None else backends[index]
            if self.ndim == 1 and list(self._ranks) == world and backend is None:
                self._dim_groups.append(dist.group.WORLD)
                continue
            name = f"dim_{index}" if self.mesh_dim_names is None else self.mesh_dim_names[index]
            mine = None
            for ranks in self._groups_along(dim):
                group = dist.new_group(
                    ranks=ranks, backend=backend, pg_options=options, group_desc=f"mesh_{name}"
                )
                if self._rank in ranks:
                    mine = group
            self._dim_groups.append(mine)

    def _groups_along(self, dim: MeshDim) -> list[list[int]]:
        """Return the ranks of each group along a dimension."""
        return list(MeshLayout([dim]).groups(self._ranks))

    def _find_coordinate(self) -> tuple[int, ...] | None:
        ranks = self._my_ranks()
        if ranks is None or self._rank not in ranks:
            return None
        at = ranks.index(self._rank)
        coordinate = []
        for size in reversed(self.shape):
            at, place = divmod(at, size)
            coordinate.append(place)
        return tuple(reversed(coordinate))

    def _my_ranks(self) -> list[int] | None:
        """Return the ranks of this mesh, of its slices the one that this process is in."""
        groups = list(self._layout.groups(self._ranks))
        for ranks in groups:
            if self._rank in ranks:
                return ranks
        return groups[0] if len(groups) == 1 else None

    # What it is

    @property
    def mesh(self) -> torch.Tensor:
        """The global ranks as a tensor of the mesh's shape.

        Raises:
            RuntimeError: it is a slice that this process is not in.
        """
        ranks = self._my_ranks()
        if ranks is None:
            raise RuntimeError(
                "In order to get the mesh Tensor of a DeviceMesh it needs to either have all its "
                "original dimensions (e.g., no slicing) or it needs to contain the local rank"
            )
        return torch.tensor(ranks, dtype=torch.int, device="cpu").view(self.shape)

    @property
    def ndim(self) -> int:
        """How many dimensions it has."""
        return len(self._layout.dims)

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes."""
        return self._layout.shape

    def size(self, mesh_dim: int | None = None) -> int:
        """Return how many processes it has, or those along one dimension."""
        return math.prod(self.shape) if mesh_dim is None else self.shape[mesh_dim]

    def get_rank(self) -> int:
        """Return the global rank of this process."""
        return dist.get_rank()

    def get_coordinate(self) -> tuple[int, ...] | None:
        """Return where this process is in the mesh, ``None`` where it is not."""
        return self._coordinate_on_dim

    def _is_current_rank_part_of_mesh(self) -> bool:
        return self._coordinate_on_dim is not None

    def get_local_rank(self, mesh_dim: int | str | None = None) -> int:
        """Return where this process is along a dimension.

        Args:
            mesh_dim: index or name; not needed where there is one dimension.
        Raises:
            RuntimeError: there are several dimensions and none was named.
        """
        if self.ndim > 1 and mesh_dim is None:
            raise RuntimeError(
                f"Found the DeviceMesh have {self.ndim} dimensions", _MANY_DIMENSIONS
            )
        group = self.get_group(0 if mesh_dim is None else mesh_dim)
        return dist.get_rank(group)

    def get_group(self, mesh_dim: int | str | None = None) -> Any:
        """Return this process's group along a dimension.

        Args:
            mesh_dim: index or name; not needed where there is one dimension.
        Raises:
            RuntimeError: there are several dimensions and none was named, or there are no groups.
        """
        if self._dim_groups is None:
            raise RuntimeError("DeviceMesh process groups not initialized!")
        if self.ndim > 1 and mesh_dim is None:
            raise RuntimeError(
                f"Found the DeviceMesh have {self.ndim} dimensions",
                _MANY_DIMENSIONS,
                "If you want to get the list of all the ProcessGroups in the DeviceMesh,please use "
                "`get_all_groups()` instead.",
            )
        if mesh_dim is None:
            return self._dim_groups[0]
        if isinstance(mesh_dim, str):
            flattened = self._get_root_mesh()._flatten_mapping.get(mesh_dim)
            if flattened is not None:
                return flattened.get_group()
            mesh_dim = self._get_mesh_dim_by_name(mesh_dim)
        return self._dim_groups[mesh_dim]

    def get_all_groups(self) -> list[Any]:
        """Return this process's group along each dimension."""
        return [self.get_group(index) for index in range(self.ndim)]

    @property
    def _dim_group_names(self) -> list[str]:
        return [group.group_name for group in self._dim_groups or ()]

    def _get_mesh_dim_by_name(self, name: str) -> int:
        names = self.mesh_dim_names
        if names is None:
            raise KeyError("No `mesh_dim_names` found.")
        if name not in names:
            raise KeyError(
                f"Mesh dimension '{name}' does not exist.",
                f"Available mesh dimensions are: mesh_dim_names={names}",
            )
        return names.index(name)

    def _get_root_mesh(self) -> DeviceMesh:
        return self if self._root_mesh is None else self._root_mesh

    # Other meshes of the same ranks

    def _derived(
        self, dims: Sequence[MeshDim], names: Sequence[str] | None, groups: list[Any] | None
    ) -> DeviceMesh:
        """Return a mesh over the root's ranks that has groups already."""
        made = DeviceMesh(
            self.device_type,
            mesh_dim_names=names,
            _layout=MeshLayout(dims),
            _rank_map=self._ranks,
            _root_mesh=self._get_root_mesh(),
            _init_backend=False,
            _rank=self._rank,
        )
        made._thread_id = self._thread_id
        made._dim_groups = groups
        return made

    def __getitem__(self, mesh_dim_names: str | tuple[str, ...]) -> DeviceMesh:
        """Return the mesh of some dimensions that this process is in.

        Args:
            mesh_dim_names: a name or several, in the mesh's order.
        Raises:
            KeyError: there is no dimension of a name, or the order is another one.
            RuntimeError: the dimensions have no names, or overlap.
        """
        own = self.mesh_dim_names
        if not own:
            raise RuntimeError("Cannot slice a DeviceMesh without mesh_dim_names!")
        names = (mesh_dim_names,) if isinstance(mesh_dim_names, str) else tuple(mesh_dim_names)
        if names == own:
            return self
        flattened = self._get_root_mesh()._flatten_mapping if self._root_mesh is None else {}
        valid = [*own, *flattened]
        if any(name not in valid for name in names):
            raise KeyError(
                f"Invalid mesh_dim_names {names} specified. Valid mesh_dim_names are {valid}."
            )
        dims, groups = [], []
        for name in names:
            source = self if name in own else flattened[name]
            index = own.index(name) if name in own else 0
            if name not in own:
                warnings.warn(
                    "Slicing a flattened dim from root mesh will be deprecated in PT 2.11. Users "
                    "need to bookkeep the flattened mesh directly. ",
                    stacklevel=2,
                )
            dims.append(source._layout.dims[index])
            groups.append(None if source._dim_groups is None else source._dim_groups[index])
        firsts = [dim.loops[0][1] for dim in dims if dim.loops]
        if any(left < right for left, right in itertools.pairwise(firsts)):
            raise KeyError(
                f"Invalid mesh_dim_names {names} specified. Mesh dim indices should be in "
                "ascending order."
            )
        if MeshLayout(dims).overlaps():
            raise RuntimeError(f"Slicing overlapping dim_names {names} is not allowed.")
        return self._derived(dims, names, None if self._dim_groups is None else groups)

    def _flatten(
        self, mesh_dim_name: str | None = None, backend_override: Any = None
    ) -> DeviceMesh:
        """Return the mesh with its dimensions as one, whose group is made where it is new.

        Args:
            mesh_dim_name: name of the dimension; by default the names joined by ``_``.
        """
        if not self.mesh_dim_names:
            raise RuntimeError("Cannot flatten a DeviceMesh without mesh_dim_names!")
        name = "_".join(self.mesh_dim_names) if mesh_dim_name is None else mesh_dim_name
        if self.ndim == 1 and name == self.mesh_dim_names[0]:
            return self
        root = self._get_root_mesh()
        invalid = root.mesh_dim_names or ()
        if name in invalid:
            raise ValueError(
                f"{name} already exists for submesh of the {root}. ",
                f"The mesh_dim_names of submesh and flattened mesh are {invalid}. "
                "Please specify another valid mesh_dim_name.",
            )
        dim = self._layout.flattened()
        known = root._flatten_mapping.get(name)
        if known is not None:
            if known._layout.dims[0] == dim:
                return known
            raise ValueError(
                f"Flatten mesh with mesh_dim_name {name} has been created before, "
                "Please specify another valid mesh_dim_name."
            )
        made = self._derived([dim], (name,), None)
        if self._dim_groups is not None:
            backend = None if backend_override is None else (normalised_backend(backend_override),)
            made._make_groups(backend)
        root._flatten_mapping[name] = made
        return made

    def _unflatten(
        self,
        dim: int | str,
        mesh_sizes: Sequence[int],
        mesh_dim_names: Sequence[str],
        backend_override: dict[str, Any] | None = None,
    ) -> DeviceMesh:
        """Return the mesh with one dimension as several, whose groups are made.

        Args:
            dim: index or name of the dimension.
            mesh_sizes, mesh_dim_names: sizes and names of those in its place.
        """
        if isinstance(dim, int) and dim >= self.ndim:
            raise ValueError(f"dim {dim} specified in `_unflatten` is out of range {self.ndim}")
        names = self.mesh_dim_names
        if isinstance(dim, str) and dim not in (names or ()):
            raise ValueError(f"dim {dim} specified in `_unflatten` is not in {names}")
        if len(mesh_sizes) != len(mesh_dim_names):
            raise RuntimeError("mesh_dim_names must have same length as mesh_sizes in _unflatten!")
        at = (names or ()).index(dim) if isinstance(dim, str) else dim
        mesh_sizes = tuple(mesh_sizes)
        whole = self._layout.dims[at]
        if math.prod(mesh_sizes) != whole.size:
            raise ValueError(
                f"The product of {mesh_sizes=} is {math.prod(mesh_sizes)}, but the original "
                f"dimension at dim={at} has size {whole.size}. These must be equal for unflatten "
                "to work correctly."
            )
        dims = whole.split(mesh_sizes)
        before, after = self._layout.dims[:at], self._layout.dims[at + 1 :]
        given = backend_override or {}
        backends = tuple([normalised_backend(given.get(name)) for name in mesh_dim_names])
        inner = self._derived(dims, mesh_dim_names, None)
        if self._dim_groups is not None:
            inner._make_groups(backends)
        old = names or ()
        made = self._derived(
            (*before, *dims, *after), (*old[:at], *mesh_dim_names, *old[at + 1 :]), None
        )
        if self._dim_groups is not None:
            mine = self._dim_groups
            made._dim_groups = [*mine[:at], *(inner._dim_groups or ()), *mine[at + 1 :]]
        return made

    @staticmethod
    def _concatenate(device_mesh_list: Sequence[DeviceMesh]) -> DeviceMesh:
        """Return the mesh that has the dimensions of several slices of one mesh."""
        first = device_mesh_list[0]
        if any(mesh._ranks != first._ranks for mesh in device_mesh_list):
            raise RuntimeError(
                "Cannot concatenate DeviceMeshes derived from different device meshs"
            )
        dims = [dim for mesh in device_mesh_list for dim in mesh._layout.dims]
        if MeshLayout(dims).overlaps():
            raise RuntimeError(f"Cannot concatenate overlapping meshes: {device_mesh_list}")
        names = [name for mesh in device_mesh_list for name in mesh.mesh_dim_names or ()]
        groups = [group for mesh in device_mesh_list for group in mesh._dim_groups or ()]
        return first._derived(dims, names, groups)

    @staticmethod
    def from_group(
        group: Any,
        device_type: str,
        mesh: Any = None,
        *,
        mesh_dim_names: Sequence[str] | None = None,
    ) -> DeviceMesh:
        """Return a mesh whose groups are there already.

        Args:
            group: a group of all its ranks, or a group for each dimension.
            device_type: where tensors lie.
            mesh: the global ranks; needed for several groups.
            mesh_dim_names: the names of the dimensions; needed for several groups.
        """
        if not isinstance(group, (list, tuple)):
            ranks = dist.get_process_group_ranks(group)
            if mesh is not None and _nested_ranks(mesh) != ((len(ranks),), list(ranks)):
                raise ValueError(f"Invalid mesh {mesh} for ProcessGroup with ranks {ranks}")
            made = DeviceMesh(
                device_type, ranks, mesh_dim_names=mesh_dim_names, _init_backend=False
            )
            made._dim_groups = [group]
            return made
        groups = list(group)
        if not groups:
            raise ValueError("Expects at least one ProcessGroup to be passed")
        if mesh is None:
            raise ValueError("Must pass mesh if passing multiple ProcessGroups")
        if mesh_dim_names is None:
            raise ValueError("Must pass mesh_dim_names if passing multiple ProcessGroups")
        shape, _ = _nested_ranks(mesh)
        if len(shape) != len(groups):
            nested = mesh.tolist() if isinstance(mesh, torch.Tensor) else mesh
            raise ValueError(
                "Expects mesh with ndim equal to number of ProcessGroups but got "
                f"mesh {nested} and {len(groups)} ProcessGroups"
            )
        made = DeviceMesh(device_type, mesh, mesh_dim_names=mesh_dim_names, _init_backend=False)
        made._dim_groups = groups
        return made

    # As an object

    def __enter__(self) -> DeviceMesh:
        _mesh_resources.mesh_stack.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        _mesh_resources.mesh_stack.pop()

    def __repr__(self) -> str:
        sizes: Any = self.shape
        if self.mesh_dim_names:
            pairs = zip(self.mesh_dim_names, self.shape, strict=True)
            sizes = f"({', '.join([f'{name}={size}' for name, size in pairs])})"
        return f"DeviceMesh({sizes}, '{self.device_type}', stride={self._layout.strides})"

    def _hash_key(self) -> tuple[Any, ...]:
        return (self._ranks, self._layout, self.device_type, self.mesh_dim_names, self._thread_id)

    def __hash__(self) -> int:
        return hash(self._hash_key())

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, DeviceMesh) and self._hash_key() == other._hash_key()

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        del state["_dim_groups"], state["_thread_id"]
        state["_flatten_mapping"] = {}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._thread_id = threading.get_ident()
        self._dim_groups = None
        if dist.is_available() and dist.is_initialized():
            self._dim_groups = _groups_of_equal_mesh(self)

    def __deepcopy__(self, memo: dict) -> DeviceMesh:
        return self  # groups of processes cannot be copied


def _groups_of_equal_mesh(mesh: DeviceMesh) -> list[Any] | None:
    """Return the groups that this process has for the dimensions of a mesh, if there are all."""
    found = []
    for dim in mesh._layout.dims:
        mine = next((r for r in mesh._groups_along(dim) if mesh._rank in r), None)
        group = None if mine is None else _group_of(mine)
        if group is None:
            return None
        found.append(group)
    return found


def _group_of(ranks: Sequence[int]) -> Any:
    for group in world.groups.values():
        if list(dist.get_process_group_ranks(group)) == list(ranks):
            return group
    return None


def init_device_mesh(
    device_type: str,
    mesh_shape: Sequence[int],
    *,
    mesh_dim_names: Sequence[str] | None = None,
    backend_override: dict[int | str, Any] | None = None,
) -> DeviceMesh:
    """Return a mesh of the first ranks of the world, in rows of a shape.

    The world is made where there is none yet (``init_process_group``).

    Args:
        device_type: where tensors lie: ``"cpu"`` or ``"cuda"``.
        mesh_shape: how many processes each dimension has.
        mesh_dim_names: a name for each dimension, each another one.
        backend_override: a backend, by index or name of a dimension.
    Raises:
        RuntimeError: the names repeat or are not as many as the dimensions, the type has an index,
            or there are fewer processes.
    """
    mesh_shape = tuple(mesh_shape)
    if mesh_dim_names is not None:
        if len(set(mesh_dim_names)) != len(mesh_dim_names):
            raise RuntimeError(
                "Each mesh_dim_name must be unique. Found repeated mesh_dim_name in "
                f"mesh_dim_names {mesh_dim_names}"
            )
        if len(mesh_shape) != len(mesh_dim_names):
            raise RuntimeError(
                "mesh_shape and mesh_dim_names should have same length! Found "
                f"len(mesh_dim_names): {len(mesh_dim_names)} and len(mesh_shape):"
                f"{len(mesh_shape)}."
            )
    if device_type and not device_type.isalpha():
        raise RuntimeError(
            f"Device type with index is not supported but got {device_type}. ",
            "If you maintained a 'torch.device' object, it's recommended to pass in 'device.type'.",
        )
    backends = None
    if backend_override is not None:
        backends = backends_by_dim(backend_override, mesh_dim_names, len(mesh_shape))
    return DeviceMesh(
        device_type,
        _layout=MeshLayout.contiguous(mesh_shape),
        _rank_map=range(math.prod(mesh_shape)),
        mesh_dim_names=mesh_dim_names,
        backend_override=backends,
    )


for _public in (DeviceMesh, init_device_mesh):
    _public.__module__ = "torch.distributed.device_mesh"
