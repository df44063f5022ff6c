"""Names outside the operator families: storages' old classes, streams, cond, lobpcg, make_tensor.

Outcomes are PyTorch 2.13's.
"""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

import jtorch as torch
from jtorch import storage as storages


@pytest.fixture(autouse=True)
def warned_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the warning that is given once to the test that is about it."""
    monkeypatch.setattr(storages, "_warned", True)


def test_old_storages_are_names_of_typed_ones() -> None:
    storage = torch.FloatStorage([1, 2, 3])
    assert type(storage) is torch.TypedStorage
    assert isinstance(storage, torch.FloatStorage) and not isinstance(storage, torch.IntStorage)
    assert (len(storage), storage[1], storage[-1], storage.tolist()) == (3, 2.0, 3.0, [1, 2, 3])
    assert storage.type() == "torch.FloatStorage" and storage.long().dtype is torch.int64
    assert torch.tensor([True]).storage_type() is torch.BoolStorage
    assert str(torch.ShortStorage(1)) == (
        " 0\n[torch.storage.TypedStorage(dtype=torch.int16, device=cpu) of size 1]"
    )


def test_storages_are_written_to() -> None:
    tensor = torch.ones(3)
    storage = tensor.storage()
    storage[0] = 5
    assert tensor.tolist() == [5, 1, 1]
    tensor[1] = 7
    assert storage.tolist() == [5, 7, 1]
    moved = torch.tensor([9.0]).set_(storage)
    storage.fill_(2)
    assert moved.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: torch.FloatStorage(1, 2), RuntimeError, "Too many positional arguments"),
        (lambda: torch.FloatStorage(2.5), TypeError, "Argument type not recognized"),
        (lambda: torch.FloatStorage(dtype=torch.int), RuntimeError, "'dtype' cannot be specified"),
        (lambda: torch.FloatStorage([1])[0:1], RuntimeError, "slices are only supported in"),
        (lambda: torch.FloatStorage([1])[1], IndexError, "index 1 out of range for storage of"),
        (lambda: torch.dtype(), TypeError, "cannot create 'torch.dtype' instances"),
        (lambda: torch.layout("a"), TypeError, "cannot create 'torch.layout' instances"),
        (lambda: torch.Stream().wait_stream(None), RuntimeError, "cpu backend doesn't support"),
        (lambda: torch.get_device_module("xla"), RuntimeError, "Device 'xla' does not have a"),
        (lambda: torch.set_autocast_xla_dtype(3), TypeError, r"must be a torch.dtype \(got int\)"),
        (lambda: (torch.ones(1).requires_grad_() * 2).grad_dtype, RuntimeError, "on leaf tensors"),
        (lambda: torch.cond("a", None, None), RuntimeError, "Expected pred to be bool or tensor"),
        (lambda: torch.lobpcg(torch.eye(5), 3), ValueError, "not applicable when the number of A"),
    ],
)
def test_refusals_have_the_words(make, error, words) -> None:
    with pytest.raises(error, match=words):
        make()


def test_signatures() -> None:
    def shown(function) -> str:
        parameters = inspect.signature(function).parameters.values()
        plain = [each.replace(annotation=inspect.Parameter.empty) for each in parameters]
        return str(inspect.Signature(plain))

    assert shown(torch.dtype) == shown(torch.layout) == shown(torch.no_grad) == "()"
    assert shown(torch.enable_grad) == "(orig_func=None)"
    assert shown(torch.Size) == "(iterable=(), /)"
    assert not issubclass(torch.enable_grad, torch.no_grad)


def test_exceptions_are_runtime_errors() -> None:
    assert torch.OutOfMemoryError.__bases__ == torch.AcceleratorError.__bases__ == (RuntimeError,)
    assert torch.cuda.OutOfMemoryError is torch.OutOfMemoryError


def test_streams_and_events_of_the_cpu() -> None:
    stream, event = torch.Stream("cpu"), torch.Event("cpu", enable_timing=True)
    assert stream == torch.Stream("cpu") and stream.query() and event.query()
    assert repr(stream) == "torch.Stream device_type=cpu, device_index=-1, stream_id=0"
    assert repr(event) == "torch.Event device_type=cpu, device_index=-1, event_flag=1, event_id=0"


def test_autocast_of_xla_is_deprecated() -> None:
    with pytest.warns(DeprecationWarning, match=r"get_autocast_dtype\('xla'\) instead"):
        assert torch.get_autocast_xla_dtype() is torch.bfloat16
    with pytest.warns(DeprecationWarning, match=r"is_autocast_enabled\('ipu'\) instead"):
        assert torch.is_autocast_ipu_enabled() is False


def test_cond_calls_one_branch() -> None:
    one = torch.tensor(1.0)
    assert torch.cond(one > 0, lambda x: x + 1, lambda x: x - 1, (one,)).item() == 2
    assert torch.cond(False, None, lambda x: x - 1, (one,)).item() == 0


def test_from_file(tmp_path) -> None:
    path = str(tmp_path / "numbers")
    np.arange(4, dtype=np.int32).tofile(path)
    mapped = torch.from_file(path, size=3, dtype=torch.int32)
    mapped[0] = 9
    assert mapped.tolist() == [9, 1, 2] and np.fromfile(path, np.int32)[0] == 0
    with pytest.raises(RuntimeError, match="size <16> is smaller than the required mapping size"):
        torch.from_file(path, size=5, dtype=torch.int32)


def test_hook_of_several_tensors() -> None:
    a, b = torch.rand(2, 3, requires_grad=True), torch.rand(2, 3, requires_grad=True)
    c, d = a * b, a * b
    seen: list = []
    register = torch.autograd.graph.register_multi_grad_hook
    handle = register((a, b, c, d), lambda given: seen.append([g is not None for g in given]))
    c.sum().backward(retain_graph=True)
    c.sum().backward(inputs=(a,), retain_graph=True)
    handle.remove()
    c.sum().backward(retain_graph=True)
    assert seen == [[True, True, True, False], [True, False, True, False]]
    register((a, c), lambda gradient: seen.append(tuple(gradient.shape)), mode="any")
    c.sum().backward()
    assert seen[2:] == [(2, 3)]


def test_lobpcg_finds_extreme_pairs_and_is_differentiated() -> None:
    torch.manual_seed(0)
    diagonal = torch.arange(1.0, 13.0, dtype=torch.float64)
    turned, _ = torch.linalg.qr(torch.randn(12, 12, dtype=torch.float64))
    matrix = (turned * diagonal @ turned.mT).requires_grad_()
    values, vectors = torch.lobpcg(matrix, 2, largest=False, tol=1e-12)
    np.testing.assert_allclose(values.detach(), [1, 2], rtol=1e-10)
    expected = torch.linalg.eigh(matrix)
    weights = torch.arange(24.0, dtype=torch.float64).reshape(12, 2)
    (vectors.square() * weights).sum().add(values.sum()).backward()
    found, matrix.grad = matrix.grad, None
    (expected[1][:, :2].square() * weights).sum().add(expected[0][:2].sum()).backward()
    np.testing.assert_allclose(found, matrix.grad, atol=1e-9)


#: The first three numbers of ``make_tensor((3,), ...)`` after ``manual_seed(3)``, by PyTorch.
_DRAWN = {
    "bool": [False, False, True],
    "uint8": [6, 8, 7],
    "int64": [4, 2, 7],
    "float16": [-8.921875, -7.1015625, -3.85546875],
    "float32": [-8.923256874084473, -7.0997514724731445, -3.8548355102539062],
    "float64": [-8.386052478290631, -3.8386759190164748, 4.912468997914518],
}


@pytest.mark.parametrize("name", _DRAWN)
def test_make_tensor_draws_the_same_numbers(name: str) -> None:
    torch.manual_seed(3)
    made = torch.testing.make_tensor((3,), dtype=getattr(torch, name), device="cpu")
    assert made.tolist() == _DRAWN[name]


def test_make_tensor_options() -> None:
    make = torch.testing.make_tensor
    apart = make(3, 4, dtype=torch.float32, device="cpu", noncontiguous=True, requires_grad=True)
    assert apart.stride() == (8, 2) and apart.storage_offset() == 1 and apart.requires_grad
    assert bool(make(99, dtype=torch.bool, device="cpu", exclude_zero=True).all())
    with pytest.raises(ValueError, match="`low` must be less than `high`, but got 3 >= 2"):
        make(3, dtype=torch.int64, device="cpu", low=3, high=2)


def test_warnings_that_come_once_come_always_where_that_is_asked_for():
    def said():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(2):
                assert torch.ones(3).T.shape == (3,)
        return [(each.filename, str(each.message)[:19]) for each in caught]

    torch.set_warn_always(True)
    try:
        assert said() == [(__file__, "The use of `x.T` on")] * 2
    finally:
        torch.set_warn_always(False)
    said()
    assert said() == []
