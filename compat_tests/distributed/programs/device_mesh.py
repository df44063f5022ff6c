"""Device meshes of four processes: what they say of themselves, slices, and refusals."""

# ruff: noqa: F401  (expressions stand in strings and are run at once)

import copy
import pickle
import warnings

import torch
import torch.distributed as dist
from _cases import show
from torch.distributed.device_mesh import DeviceMesh, _mesh_resources, init_device_mesh

warnings.simplefilter("ignore")
dist.init_process_group("gloo")
rank = dist.get_rank()
m = init_device_mesh("cpu", (2, 2), mesh_dim_names=("dp", "tp"))
line = init_device_mesh("cpu", (4,))
deep = init_device_mesh("cpu", (2, 1, 2), mesh_dim_names=("a", "b", "c"))
named = init_device_mesh("cpu", (4,), mesh_dim_names=("w",))
rows = DeviceMesh("cpu", [[0, 1], [2, 3]])
part = DeviceMesh("cpu", [2, 3])
ranks = dist.get_process_group_ranks


def entered():
    with m as inner:
        return inner is m and _mesh_resources.get_current_mesh() is m


names = ("dp", "tp")
for expression in """m
m.mesh
m.shape
m.ndim
m.size()
m.size(0)
m.size(5)
m.device_type
m.mesh_dim_names
m["tp"]
m["tp"].mesh
m["dp"].mesh
m["dp"].mesh_dim_names
m["dp", "tp"] is m
m["tp", "dp"]
m["xx"]
m["dp"]["tp"]
m["dp"]._get_root_mesh() == m
m["tp"] == m["tp"]
m["tp"] == m["dp"]
m[("dp", "tp")].ndim
ranks(m["tp"].get_group())
ranks(m.get_group("dp"))
m.get_group()
m.get_group("zz")
m.get_group(5)
m.get_group(1).rank()
m.get_group(0).group_desc
m["tp"].get_group("tp").size()
m.get_local_rank()
m.get_local_rank("tp")
m.get_local_rank(0)
m.get_local_rank("zz")
m["dp"].get_local_rank("tp")
m["tp"].get_local_rank()
m.get_coordinate()
m["tp"].get_coordinate()
m.get_rank()
len(m.get_all_groups())
m == init_device_mesh("cpu", (2, 2), mesh_dim_names=names)
m == rows
m == 5
hash(m) == hash(init_device_mesh("cpu", (2, 2), mesh_dim_names=names))
rows
rows["a"]
rows._flatten()
line
line["x"]
line.get_group() is dist.group.WORLD
line.get_group().group_desc
line.mesh.dtype
DeviceMesh("cpu", [0, 1, 2, 3]) == line
named.get_group() is dist.group.WORLD
m._flatten()
m._flatten("all")
m["all"]
m["dp_tp"].mesh
m._flatten("dp")
deep["a", "c"]._flatten("ac")
deep["ac"].mesh
deep["ac", "b"]
deep["a", "b"]
deep["a", "b"].mesh
deep["b", "c"].mesh
part
part.get_coordinate()
part.size()
DeviceMesh("cpu", [0, 0])
DeviceMesh("cpu", torch.arange(4)).mesh
init_device_mesh("cpu", (2, 2), mesh_dim_names=("a", "a"))
init_device_mesh("cpu", (2, 2), mesh_dim_names=("a",))
init_device_mesh("cpu:0", (4,))
init_device_mesh("cpu", (8,))
init_device_mesh("cpu", (4,), backend_override={"q": "gloo"})
init_device_mesh("cpu", (2, 2), mesh_dim_names=names, backend_override={"tp": "gloo"})
DeviceMesh("cpu", [[0, 1], [2, 3]], _init_backend=False).get_group(0)
DeviceMesh.from_group(dist.group.WORLD, "cpu")
DeviceMesh.from_group(dist.group.WORLD, "cpu", mesh=[0, 1])
DeviceMesh.from_group([], "cpu")
DeviceMesh.from_group([m.get_group(0)], "cpu")
DeviceMesh.from_group(m.get_all_groups(), "cpu", mesh=[[0, 1], [2, 3]])
DeviceMesh.from_group(m.get_all_groups(), "cpu", mesh=[[0, 1], [2, 3]], mesh_dim_names=names)
DeviceMesh.from_group(m.get_all_groups(), "cpu", mesh=[0, 1], mesh_dim_names=("x",))
named._unflatten(0, (2, 2), ("p", "q"))
ranks(named._unflatten(0, (2, 2), ("p2", "q2")).get_group("p2"))
named._unflatten(0, (2, 3), ("p", "q"))
named._unflatten("z", (2, 2), ("p", "q"))
DeviceMesh._concatenate([m["dp"], m["tp"]])
_mesh_resources.get_current_mesh()
entered()
copy.deepcopy(m) == m
pickle.loads(pickle.dumps(m)) == m""".splitlines():
    show(expression, lambda e=expression: eval(e))
