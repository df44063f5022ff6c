"""``torch.testing.assert_close``, ``torch.futures`` and names beside them."""

from __future__ import annotations

import threading

import pytest

import jtorch as torch

close = torch.testing.assert_close


def _words(*args, **kwargs) -> str:
    with pytest.raises(AssertionError) as caught:
        close(*args, **kwargs)
    return str(caught.value)


def test_the_words_for_tensors():
    assert _words(torch.tensor([[1.0, 2.0], [3, 4]]), torch.tensor([[1.0, 5.0], [3, 8]])) == (
        "Tensor-likes are not close!\n\nMismatched elements: 2 / 4 (50.0%)\n"
        "Greatest absolute difference: 4.0 at index (1, 1) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 0.6000000238418579 at index (0, 1) (up to 1.3e-06 allowed)"
    )
    assert _words(torch.tensor([1, 2]), torch.tensor([1, 3])).startswith(
        "Tensor-likes are not equal!"
    )
    assert _words(torch.tensor([1]), torch.tensor([1.0])) == (
        "The values for attribute 'dtype' do not match: torch.int64 != torch.float32."
    )


def test_the_words_for_nested_numbers():
    assert _words({"a": [1.0, 2.0]}, {"a": [1.0, 4.0]}) == (
        "Scalars are not close!\n\nExpected 4.0 but got 2.0.\n"
        "Absolute difference: 2.0 (up to 1e-07 allowed)\n"
        "Relative difference: 0.5 (up to 1e-07 allowed)\n\n"
        "The failure occurred for item ['a'][1]"
    )
    assert _words(1, 2, msg=lambda words: words[:7].upper()) == "SCALARS"


def test_what_is_close():
    close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0 + 1e-6]))
    close(torch.tensor([float("nan")]), torch.tensor([float("nan")]), equal_nan=True)
    assert "not close" in _words(torch.tensor([float("nan")]), torch.tensor([float("nan")]))
    with pytest.raises(ValueError, match="but got no atol"):
        close(1.0, 1.0, rtol=1.0)
    with pytest.raises(TypeError, match="No comparison pair"):
        close("a", "b")


def test_a_future_set_by_another_thread():
    future = torch.futures.Future()
    following = future.then(lambda done: done.wait() + 1)
    thread = threading.Thread(target=future.set_result, args=(torch.ones(2),))
    thread.start()
    assert following.wait().tolist() == [2.0, 2.0]
    thread.join()
    with pytest.raises(RuntimeError, match="can only be marked completed once"):
        future.set_result(3)


def test_futures_together_and_their_exceptions():
    futures = [torch.futures.Future() for _ in range(2)]
    together = torch.futures.collect_all(futures)
    futures[1].set_result(2)
    assert not together.done()
    futures[0].set_exception(ValueError("foo"))
    for wait in (together.wait, futures[0].wait, lambda: torch.futures.wait_all(futures)):
        with pytest.raises(ValueError, match="foo"):
            wait()
    with pytest.raises(RuntimeError, match="ZeroDivisionError: division by zero"):
        futures[1].then(lambda done: done.wait() / 0).wait()


def test_a_short_kaiser_window_has_no_nan():
    window = torch.signal.windows.kaiser(5, sym=False, beta=0.9)
    close(window, torch.tensor([0.8244, 0.9348, 0.9926, 0.9926, 0.9348]), rtol=0, atol=1e-4)


def test_typename_of_a_class():
    assert torch.typename(torch.nn.Parameter) == "torch.nn.parameter.Parameter"
