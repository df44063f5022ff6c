"""Modules beside the operators: checks, accelerators, hub, versions, settings.

The words are PyTorch 2.13's.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import pathlib

import pytest

import jtorch as torch
from jtorch.torch_version import TorchVersion

DEFAULT = "Expected cond to be True, but got False. \\(Could this error message be improved\\?"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: torch._check(False), RuntimeError, DEFAULT),
        (lambda: torch._check(False, lambda: "m"), RuntimeError, "^m$"),
        (lambda: torch._check(1), TypeError, "cond must be a bool, but got <class 'int'>"),
        (lambda: torch._check_value(False), ValueError, DEFAULT),
        (lambda: torch._check_index(False, "x"), TypeError, "message must be a callable"),
        (lambda: torch._check_type(False), TypeError, DEFAULT),
        (lambda: torch._check_not_implemented(False), NotImplementedError, DEFAULT),
        (lambda: torch._check_with(KeyError, False, lambda: "z"), KeyError, "'z'"),
        (lambda: torch._check_tensor_all(3), TypeError, "cond must be a tensor, but got"),
        (lambda: torch._check_tensor_all(torch.tensor([True, False])), RuntimeError, DEFAULT),
        (lambda: torch._assert(False, "words"), AssertionError, "^words"),
        (lambda: torch._assert_async(torch.tensor(0)), RuntimeError, "Expected Tensor with single"),
        (lambda: torch._assert_async(torch.tensor(0), "w"), RuntimeError, "^w$"),
        (lambda: torch.ops.load_library("/no.so"), OSError, "Could not load this library: /no.so"),
        (lambda: torch.ops.aten.no_such, AttributeError, "no attribute 'no_such'"),
        (lambda: torch.ops.some.no_such, AttributeError,
         "'_OpNamespace' 'some' object has no attribute 'no_such'"),
        (lambda: torch.classes.a.b, RuntimeError, "Tried to instantiate class 'a.b', but it does"),
        (lambda: torch.SymInt(3), NotImplementedError, "sizes are plain numbers"),
        (lambda: torch.compiler.set_stance("no"), RuntimeError, "invalid torch.compile stance"),
    ],
)  # fmt: skip
def test_refusals(call, error, words) -> None:
    with pytest.raises(error, match=words):
        call()


def test_checks_that_hold_return_nothing() -> None:
    torch._check(True, lambda: 1 / 0)
    torch._check_tensor_all(torch.tensor([True]))
    torch._assert(torch.tensor(1), "no")
    torch._assert_async(torch.tensor(2.0))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is an accelerator")
def test_without_an_accelerator() -> None:
    place = torch.accelerator
    assert (place.is_available(), place.device_count(), place.current_accelerator()) == (
        False,
        0,
        None,
    )
    for question in ("current_device_index", "synchronize", "memory_allocated", "empty_cache"):
        with pytest.raises(RuntimeError, match="Cannot access accelerator device when none is"):
            getattr(place, question)()
    with pytest.raises(RuntimeError, match="Accelerator expected"):
        place.set_device_index("cuda:0")
    with place.device_index(None):
        pass


def test_versions_compare_as_versions() -> None:
    assert (
        torch.__version__ >= (2, 13)
        and torch.__version__ > "2.9"
        and isinstance(torch.__version__, TorchVersion)
    )
    ordered = ["1.0.dev1", "1.0a1", "1.0b2.post1", "1.0rc1", "1.0", "1.0+a", "1.0.post1", "1.10"]
    versions = [TorchVersion(text) for text in ordered]
    assert all(a < b and b > a and a != b for a, b in itertools.pairwise(versions))
    assert TorchVersion("1.0") == "1.0.0" and TorchVersion("1.0") <= (1, 0)
    assert TorchVersion("1.0") == "1" and TorchVersion("parrot") != "1"


def test_names_of_the_tracer() -> None:
    import jtorch._dynamo as dynamo

    def f() -> int:
        return 1

    assert dynamo.disable(f) is f and dynamo.disable(recursive=False)(f) is f
    assert torch.compiler.is_compiling() is False and dynamo.allow_in_graph(f) is f
    assert isinstance(torch.compile(torch.nn.Linear(1, 1)), dynamo.OptimizedModule)
    before = dynamo.config.cache_size_limit
    with dynamo.config.patch(cache_size_limit=3):
        assert dynamo.config.cache_size_limit == 3
    assert dynamo.config.cache_size_limit == before == 8
    dynamo.reset()
    dynamo.mark_dynamic(torch.ones(2), 0)


def test_a_function_of_arrays_takes_tensors() -> None:
    import numpy as np

    doubled = torch.compiler.wrap_numpy(lambda array: np.multiply(array, 2))
    result = doubled(torch.tensor([1.0, 2.0]))
    assert torch.is_tensor(result) and result.tolist() == [2.0, 4.0]


def test_dense_tensors_are_flattened_and_parted() -> None:
    from jtorch._utils import _flatten_dense_tensors, _take_tensors, _unflatten_dense_tensors

    tensors = [torch.arange(6.0).view(2, 3), torch.tensor(7.0), torch.ones(2, dtype=torch.float32)]
    flat = _flatten_dense_tensors(tensors)
    assert flat.tolist() == [0, 1, 2, 3, 4, 5, 7, 1, 1]
    parts = _unflatten_dense_tensors(flat, tensors)
    assert [p.shape for p in parts] == [t.shape for t in tensors]
    assert [len(group) for group in _take_tensors(tensors, 30)] == [2, 1]


def test_parts_for_several_devices() -> None:
    from collections import namedtuple

    from jtorch.nn.parallel.scatter_gather import gather, scatter, scatter_kwargs

    Pair = namedtuple("Pair", "a b")
    batch = Pair(torch.arange(4.0), {"x": torch.ones(4, 2), "name": "n"})
    parts = scatter(batch, ["cpu", "cpu"])
    assert [part.a.tolist() for part in parts] == [[0, 1], [2, 3]]
    assert [part.b["name"] for part in parts] == ["n", "n"]
    assert gather([part.a for part in parts], "cpu").tolist() == [0, 1, 2, 3]
    rows, named = scatter_kwargs((torch.ones(2),), None, ["cpu", "cpu"])
    assert len(rows) == len(named) == 2 and named[1] == {}


CONF = """
dependencies = ["math"]
def model(size, scale=1.0):
    'Makes a layer.'
    import jtorch as torch
    return torch.nn.Linear(size, 1), scale
def _hidden(): pass
"""


def test_models_from_folders(tmp_path: pathlib.Path) -> None:
    (tmp_path / "hubconf.py").write_text(CONF)
    layer, scale = torch.hub.load(str(tmp_path), "model", 3, source="local", scale=2.0)
    assert layer.in_features == 3 and scale == 2.0
    with pytest.raises(RuntimeError, match="Cannot find callable nothing in hubconf"):
        torch.hub.load(str(tmp_path), "nothing", source="local")
    with pytest.raises(ValueError, match='Unknown source: "disk"'):
        torch.hub.load(str(tmp_path), "model", source="disk")
    (tmp_path / "hubconf.py").write_text('dependencies = ["no_such_package"]')
    with pytest.raises(RuntimeError, match="Missing dependencies: no_such_package"):
        torch.hub.load(str(tmp_path), "model", source="local")


def test_files_from_addresses(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    torch.save({"weight": torch.arange(3.0)}, file)
    digest = hashlib.sha256(file.getvalue()).hexdigest()
    source = tmp_path / f"net-{digest[:8]}.pt"
    source.write_bytes(file.getvalue())
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    torch.hub.set_dir(tmp_path / "hub")
    assert torch.hub.get_dir() == str(tmp_path / "hub")
    loaded = torch.hub.load_state_dict_from_url(source.as_uri(), progress=False, check_hash=True)
    assert loaded["weight"].tolist() == [0, 1, 2]
    assert (tmp_path / "hub" / "checkpoints" / source.name).exists()
    with pytest.raises(RuntimeError, match='invalid hash value \\(expected "0000"'):
        torch.hub.download_url_to_file(source.as_uri(), str(tmp_path / "x"), "0000", False)
    assert not list(tmp_path.glob("x*"))


def test_where_jtorch_runs() -> None:
    from jtorch import __config__

    assert "JAX" in __config__.show() and str(torch.get_num_threads()) in __config__.parallel_info()


def test_dispatch_keys_can_be_put_in_sets():
    keys, keyset = torch._C.DispatchKey, torch._C.DispatchKeySet
    found = keyset(keys.AutocastCPU) | keyset(keys.AutogradCPU) | keyset(keys.SparseCUDA)
    assert (
        repr(found)
        == "DispatchKeySet(SparseCPU, SparseCUDA, AutogradCPU, AutogradCUDA, AutocastCPU)"
    )
    assert found.has(keys.AutogradCUDA)
    assert not found.has(keys.CPU)
    assert (
        repr(found.remove(keys.AutogradCPU)) == "DispatchKeySet(SparseCPU, SparseCUDA, AutocastCPU)"
    )
    assert keyset("CPU") == keyset(keys.CPU)
    assert repr(keyset(keys.Autograd)) == "DispatchKeySet()"
    assert (keys.CPU.value, keys.AutocastCUDA.value, len(keys.__members__)) == (49, 32, 145)


def test_parts_of_the_tracer_of_operators_refuse():
    from jtorch.fx.experimental import proxy_tensor

    assert proxy_tensor.get_proxy_mode() is None
    with pytest.raises(NotImplementedError, match="make_fx traces what tensors do"):
        proxy_tensor.selective_decompose(None)


def test_leaves_of_trees_have_paths():
    from jtorch.utils import _pytree

    tree = {"a": [1, (2,)], "b": 3}
    found, spec = _pytree.tree_flatten_with_path(tree)
    assert [(_pytree.keystr(path), leaf) for path, leaf in found] == [
        ("['a'][0]", 1), ("['a'][1][0]", 2), ("['b']", 3),
    ]  # fmt: skip
    assert spec == _pytree.tree_structure(tree)
    assert _pytree.key_get(tree, found[1][0]) == 2
    assert found[2][0] == (_pytree.MappingKey("b"),)
    assert _pytree.MappingKey(0) != _pytree.SequenceKey(0)
    doubled = _pytree.tree_map_with_path(lambda path, x, y: (len(path), x + y), tree, tree)
    assert doubled == {"a": [(2, 2), ((3, 4),)], "b": (1, 6)}


def test_leaves_below_a_class_have_paths_where_it_has_keys():
    from jtorch.utils import _pytree

    class Plain:
        def __init__(self, value):
            self.value = value

    class Keyed(Plain):
        pass

    _pytree.register_pytree_node(Plain, lambda n: ([n.value], None), lambda c, _: Plain(*c))
    _pytree.register_pytree_node(
        Keyed,
        lambda n: ([n.value], None),
        lambda c, _: Keyed(*c),
        flatten_with_keys_fn=lambda n: ([(_pytree.GetAttrKey("value"), n.value)], None),
    )
    assert _pytree.tree_leaves_with_path(Keyed(5)) == [((_pytree.GetAttrKey("value"),), 5)]
    with pytest.raises(ValueError, match="Did not find a flatten_with_keys_fn for type"):
        _pytree.tree_leaves_with_path([Plain(5)])


def test_bars_count_where_tqdm_is_not_installed():
    from jtorch import hub

    with hub._NoBar(total=3) as bar:
        bar.update(2)
        bar.update()
    assert bar.n == 3
    assert list(hub._NoBar("ab")) == ["a", "b"]


def test_private_names_that_libraries_read_are_there():
    from jtorch.utils import _pytree
    from jtorch.utils.data._utils.collate import np_str_obj_array_pattern
    from jtorch.utils.data._utils.worker import _generate_state

    assert torch._utils._get_device_module("cuda") is torch.cuda
    with pytest.raises(RuntimeError, match="Device 'nothing' does not have a corresponding module"):
        torch._utils._get_device_module("nothing")
    assert torch._C._get_default_device() == "cpu"
    assert _pytree._get_node_type([]) is list
    assert np_str_obj_array_pattern.pattern == "[SaUO]"
    # PyTorch's words for the worker 1 of the seed 5.
    assert _generate_state(5, 1) == [3025039489, 3528014902, 3507927383, 2601490367]


def test_transforms_that_are_running_are_told_of():
    seen = []

    def square(x):
        seen.append(torch._C._are_functorch_transforms_active())
        return (x * x).sum()

    square(torch.ones(2))
    torch.func.grad(square)(torch.ones(2))
    torch.func.vmap(square)(torch.ones(2, 2))
    torch.func.jvp(square, (torch.ones(2),), (torch.ones(2),))
    square(torch.ones(2))
    assert seen == [False, True, True, True, False]
