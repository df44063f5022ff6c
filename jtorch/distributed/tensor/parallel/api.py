"""The plan of a module's parallelism: which submodule in which style."""

from __future__ import annotations

import fnmatch
import warnings
from typing import Any

import jtorch as torch

from ...device_mesh import DeviceMesh, _mesh_resources
from .style import ParallelStyle


def parallelize_module(
    module: torch.nn.Module,
    device_mesh: DeviceMesh | None = None,
    parallelize_plan: ParallelStyle | dict[str, ParallelStyle] | None = None,
    *,
    src_data_rank: int | None = 0,
) -> torch.nn.Module:
    """Parallelise a module, in place.

    Args:
        module: the module.
        device_mesh: a mesh of one dimension; by default the one that was entered.
        parallelize_plan: a style for the module, or styles by the names of submodules, in which
            ``*``, ``?`` and ``[...]`` match as in names of files.
        src_data_rank: whose parameters are taken; with ``None`` each process cuts its own.
    Raises:
        TypeError: the plan is nothing of the kind.
    """
    mesh = device_mesh or _mesh_resources.get_current_mesh()
    if parallelize_plan is None:
        warnings.warn(
            "No parallelize_plan is provided and auto-parallel is not supported at the moment, so "
            "this parallelize_module call will do nothing.",
            stacklevel=2,
        )
        return module
    if isinstance(parallelize_plan, ParallelStyle):
        parallelize_plan.src_data_rank = src_data_rank
        return parallelize_plan._apply(module, mesh)
    if not isinstance(parallelize_plan, dict):
        raise TypeError(
            "Expect Union[ParallelStyle, Dict[str, ParallelStyle]] for parallelize_plan, "
            f"{type(parallelize_plan)} found!"
        )
    for path, style in parallelize_plan.items():
        _apply_at(module, path, style, mesh, src_data_rank)
    return module


def _apply_at(
    module: torch.nn.Module, path: str, style: Any, mesh: DeviceMesh, source: int | None
) -> None:
    if path == "":
        parallelize_module(module, mesh, style, src_data_rank=source)
        return
    name, _, rest = path.partition(".")
    matching = [child for own, child in module.named_children() if fnmatch.fnmatchcase(own, name)]
    if not matching:
        warnings.warn(
            f"Parallelize plan key '{path}' could not be resolved: no submodule matching token "
            f"'{name}' in module {module}, skipping this plan entry.",
            stacklevel=3,
        )
    for child in matching:
        if rest:
            _apply_at(child, rest, style, mesh, source)
        else:
            parallelize_module(child, mesh, style, src_data_rank=source)
