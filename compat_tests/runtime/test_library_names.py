"""Names that libraries built on PyTorch read, apart from the public ones, and what they answer."""

from __future__ import annotations

import collections
import sys

import pytest

import jtorch as torch
from jtorch.utils import _pytree

Pair = collections.namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    ("name", "node", "children", "context"),
    [
        ("list", [1, 2], [1, 2], None),
        ("tuple", (1, 2), [1, 2], None),
        ("dict", {"a": 1, "b": 2}, [1, 2], ["a", "b"]),
        ("ordereddict", collections.OrderedDict(a=1), [1], ["a"]),
        ("odict", collections.OrderedDict(a=1), [1], ["a"]),
        ("defaultdict", collections.defaultdict(int, a=1), [1], [int, ["a"]]),
        ("namedtuple", Pair(1, 2), [1, 2], Pair),
        ("deque", collections.deque([1, 2], 3), [1, 2], 3),
    ],
)
def test_the_functions_of_a_container(name, node, children, context):
    assert getattr(_pytree, f"_{name}_flatten")(node) == (children, context)
    made = getattr(_pytree, f"_{name}_unflatten")(iter(children), context)
    assert made == node
    assert type(made) is type(node)


def test_a_named_tuple_of_ones_own_is_registered_with_them():
    class Own(Pair):
        pass

    _pytree.register_pytree_node(Own, _pytree._namedtuple_flatten, _pytree._namedtuple_unflatten)
    assert type(_pytree.tree_map(lambda x: x + 1, Own(1, 2))) is Own


CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        ((), {}, (None, None, False, None)),
        (("cpu",), {}, (CPU, None, False, None)),
        ((torch.float64,), {}, (None, torch.float64, False, None)),
        ((torch.float32, True), {}, (None, torch.float32, True, None)),
        (("cpu", torch.float16, True), {}, (CPU, torch.float16, True, None)),
        ((torch.zeros(1, dtype=torch.int32),), {}, (CPU, torch.int32, False, None)),
        ((3.5,), {}, (CPU, torch.float64, False, None)),
        ((True,), {}, (CPU, torch.bool, False, None)),
        ((3j, True), {}, (CPU, torch.complex128, True, None)),
        ((), {"memory_format": torch.channels_last}, (None, None, False, torch.channels_last)),
    ],
)
def test_parse_to(args, kwargs, expected):
    assert torch._C._nn._parse_to(*args, **kwargs) == expected


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        (("cpu",), {"copy": True}),
        (("cpu",), {"copy": False}),
        (("cpu", None, False, False), {}),
        ((torch.float32, False, True), {}),
        ((torch.zeros(1), False, True), {}),
    ],
)
def test_a_module_is_not_copied_by_to(args, kwargs):
    for call in (torch._C._nn._parse_to, torch.nn.Linear(1, 1).to):
        with pytest.raises(RuntimeError, match=r"^\.to\(\) does not accept copy argument$"):
            call(*args, **kwargs)


def test_no_kernel_of_attention_can_be_used():
    q = torch.zeros(1, 2, 3, 4)
    params = torch.backends.cuda.SDPAParams(q, q, q, None, 0.5, True, False)
    assert (params.query, params.attn_mask, params.dropout) == (q, None, 0.5)
    assert (params.is_causal, params.enable_gqa) == (True, False)
    for name in ("flash", "efficient", "cudnn"):
        assert getattr(torch.backends.cuda, f"can_use_{name}_attention")(params, False) is False
    with pytest.raises(TypeError):
        torch.backends.cuda.SDPAParams(q)


def test_modules_below_distributed_are_read_as_attributes():
    assert torch.distributed.device_mesh.DeviceMesh is torch.distributed.DeviceMesh
    with pytest.raises(NotImplementedError, match="jtorch has no such part"):
        torch.distributed.rpc.init_rpc("worker")
    with pytest.raises(AttributeError, match=r"'torch\.distributed' has no attribute 'no_such'"):
        torch.distributed.no_such


def test_names_of_distributed_that_libraries_import():
    from jtorch.distributed.autograd import DistAutogradContext, context, get_gradients

    for refused in (DistAutogradContext, context, get_gradients):
        with pytest.raises(NotImplementedError, match="jtorch has no such part"):
            refused()
    operations = torch.distributed.ReduceOp
    assert (str(operations.SUM), repr(operations.MAX)) == ("RedOpType.SUM", "<RedOpType.MAX: 4>")
    assert type(operations.AVG) is operations.RedOpType


def test_there_are_no_writers_without_tensorboard(monkeypatch):
    monkeypatch.delitem(sys.modules, "jtorch.utils.tensorboard", raising=False)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ModuleNotFoundError):
        import jtorch.utils.tensorboard  # noqa: F401


def test_contexts_that_derive_from_pytorchs_base_decorate():
    from jtorch.utils._contextlib import _DecoratorContextManager

    entered = []

    class Noted(_DecoratorContextManager):
        def __init__(self, name):
            self.name = name

        def clone(self):
            return type(self)(self.name)

        def __enter__(self):
            entered.append(self.name)

        def __exit__(self, *exception):
            entered.append("left")

    @Noted("a")
    def twice(x):
        return 2 * x

    @Noted("b")
    def counting():
        yield 1
        yield 2

    assert (twice(3), entered) == (6, ["a", "left"])
    assert list(counting()) == [1, 2]
    assert entered[2:] == ["b", "left"] * 3


def test_no_tensor_is_a_batched_one_and_levels_are_refused():
    from jtorch._C._functorch import _add_batch_dim, get_unwrapped, is_batchedtensor
    from jtorch._functorch.vmap import _maybe_remove_batch_dim, tree_flatten

    assert torch._C._functorch.is_batchedtensor is is_batchedtensor
    assert is_batchedtensor(torch.ones(1)) is False
    assert torch._C._functorch.maybe_current_level() is None
    assert tree_flatten is _pytree.tree_flatten
    for refused in (get_unwrapped, _add_batch_dim, _maybe_remove_batch_dim):
        with pytest.raises(NotImplementedError, match=r"use torch\.func$|call backward"):
            refused(torch.ones(1))
    with pytest.raises(AttributeError, match=r"^module 'torch\._C' has no attribute '_no_such'$"):
        torch._C._no_such


def test_a_dtype_that_is_absent_reads_as_pytorchs():
    assert str(torch.complex32) == "torch.complex32"
    assert repr(torch.qint8) == "<torch.qint8, which jtorch does not have>"


@pytest.mark.usefixtures("without_pytorch")
def test_functorch_is_the_older_names_of_func():
    with torch.installed():
        import functorch

        with pytest.warns(FutureWarning, match=r"Please use `torch\.func\.grad` instead"):
            assert functorch.grad(torch.sin)(torch.tensor(0.0)) == 1
        with pytest.warns(FutureWarning, match=r"Please use `torch\.vmap` instead"):
            assert functorch.vmap(torch.sum)(torch.ones(2, 3)).tolist() == [3, 3]
        with pytest.raises(NotImplementedError, match=r"functorch\.make_functional: use torch"):
            functorch.make_functional(torch.nn.Linear(1, 1))
        with pytest.raises(NotImplementedError, match="FunctionalModuleWithBuffers: "):
            functorch.FunctionalModuleWithBuffers()
        with pytest.raises(AttributeError, match="no attribute 'dims'"):
            functorch.dims
        with pytest.raises(ModuleNotFoundError, match=r"No module named 'functorch\.dim'"):
            import functorch.dim
        assert functorch.__version__ == torch.__version__
    assert "functorch" not in sys.modules


def test_names_of_memory_and_of_arguments(torch):
    assert torch.Storage is torch.FloatStorage
    assert torch.nn.common_types._size_2_t is not None
    shared = torch.arange(3.0)
    again = torch.from_dlpack(torch.to_dlpack(shared))
    again[0] = 5.0
    assert shared.tolist() == [5.0, 1.0, 2.0]
