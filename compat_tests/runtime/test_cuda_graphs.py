"""Names of CUDA graphs and streams, and those of PyTorch's extension module."""

from __future__ import annotations

import pytest

import jtorch as torch
from jtorch._engine.execution import settings

NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU refuses in other words")


@NO_GPU
def test_graphs_refuse_as_pytorch_without_a_gpu_does() -> None:
    class Own(torch.cuda.CUDAGraph):
        pass

    layer = torch.nn.Linear(1, 1)
    for make, words in (
        (torch.cuda.CUDAGraph, "Tried to instantiate dummy base class CUDAGraph"),
        (Own, "Tried to instantiate dummy base class Own"),
        (lambda: torch.cuda.graph(None), "torch.cuda.Stream requires CUDA support"),
        (
            lambda: torch.cuda.make_graphed_callables(layer, (torch.ones(1),)),
            "Tried to instantiate dummy base class CUDAGraph",
        ),
        (
            torch.cuda.graph_pool_handle,
            "Tried to instantiate dummy base class _graph_pool_handle",
        ),
    ):
        with pytest.raises(RuntimeError) as found:
            make()
        assert str(found.value) == words


def test_questions_about_streams_are_answered() -> None:
    assert torch.cuda.is_current_stream_capturing() is False
    with torch.cuda.stream(None) as entered:
        assert entered is None
    assert type(torch.cuda.stream(None)) is torch.cuda.StreamContext
    assert torch.cuda.set_stream(None) is None
    assert not isinstance(3, torch.cuda.CUDAGraph)


@pytest.mark.parametrize(
    ("wanted", "variables"),
    [
        ("", {}),
        ("max_split_size_mb:128", {}),
        ("backend:cudaMallocAsync", {"XLA_PYTHON_CLIENT_ALLOCATOR": "cuda_async"}),
        ("backend:native,expandable_segments:True", {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}),
        ("per_process_memory_fraction:0.5", {"XLA_PYTHON_CLIENT_MEM_FRACTION": "0.5"}),
    ],
)
def test_the_variable_for_the_memory_of_gpus(wanted, variables) -> None:
    assert settings.allocator_variables(wanted) == variables


def test_names_of_the_extension_module() -> None:
    assert torch._C.DispatchKey.CompositeImplicitAutograd.name == "CompositeImplicitAutograd"
    linear = torch.ops.aten.linear.default
    assert linear.has_kernel_for_dispatch_key(torch._C.DispatchKey.CompositeImplicitAutograd)
    mm = torch.ops.aten.mm.default
    assert not mm.has_kernel_for_dispatch_key(torch._C.DispatchKey.CompositeImplicitAutograd)
    x = torch.ones(2, requires_grad=True)
    assert isinstance((x * x).grad_fn, torch._C._functions.MulBackward0)
    assert isinstance((x * x).grad_fn.next_functions[0][0], torch._C._functions.AccumulateGrad)
    with pytest.raises(AttributeError):
        _ = torch._C._functions.nothing
    torch._C._set_grad_enabled(False)
    assert not torch.is_grad_enabled()
    torch._C._set_grad_enabled(True)
    assert torch._C._get_default_device() == "cpu"
    assert torch._C._get_privateuse1_backend_name() == "privateuseone"


def test_numbers_are_added_one_by_one_or_as_a_list() -> None:
    assert torch.sym_sum(1, 2, 3) == torch.sym_sum([1, 2, 3]) == torch.sym_sum((1, 2, 3)) == 6


def test_a_default_dtype_is_given_by_place() -> None:
    with pytest.raises(TypeError, match="positional-only"):
        torch.set_default_dtype(d=torch.float32)
