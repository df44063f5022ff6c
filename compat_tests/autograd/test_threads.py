"""Gradients that several threads add up in one leaf."""

from __future__ import annotations

import threading

import pytest

from jtorch._engine.backward.accumulation import accumulation


@pytest.fixture(autouse=True)
def contention_ends_here():
    """Leave no trace of it: from the first time on threads run what they have recorded at once."""
    yield
    accumulation._contended = False


def run_in_threads(work, count=8):
    """Call ``work(number)`` in as many threads and raise what one of them raised."""
    errors = []

    def guarded(number):
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def backward_alone(loss):
    loss.backward()


def backward_after_a_look(loss):
    loss.item()
    loss.backward()


def backward_with_a_gradient(loss):
    loss.backward(loss.detach() * 0 + 1)


@pytest.mark.parametrize(
    "backward", [backward_alone, backward_after_a_look, backward_with_a_gradient]
)
@pytest.mark.parametrize("hook", [False, True])
def test_every_gradient_of_eight_threads_arrives(torch, backward, hook):
    leaf = torch.ones(3, requires_grad=True)
    calls = []
    if hook:
        leaf.register_hook(lambda gradient: calls.append(1))

    def work(number):
        for _ in range(35):
            backward((leaf * float(number % 2 + 1) * 2).sum())

    run_in_threads(work)
    assert leaf.grad.tolist() == [840.0] * 3
    assert len(calls) == (280 if hook else 0)


def test_gradients_taken_by_threads_are_their_own(torch):
    leaf = torch.ones(3, requires_grad=True)
    taken = {}

    def work(number):
        total = 0
        for _ in range(20):
            (gradient,) = torch.autograd.grad((leaf * float(number)).sum(), leaf)
            total = total + gradient
        taken[number] = total.tolist()

    run_in_threads(work)
    assert taken == {number: [20.0 * number] * 3 for number in range(8)}
    assert leaf.grad is None


def test_one_thread_steps_while_others_have_added_gradients(torch):
    weight = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.5)
    for step in range(1, 4):
        optimizer.zero_grad()
        run_in_threads(lambda number: (weight * 2).sum().backward())
        optimizer.step()
        assert weight.tolist() == [-8.0 * step] * 2


def test_a_thread_differentiates_what_another_one_has_recorded(torch):
    leaf = torch.ones(3, requires_grad=True)
    hidden = (leaf * 2).exp()

    def work(number):
        loss = (hidden * 2).sum()
        loss.item()
        loss.backward(retain_graph=True)

    for _ in range(2):
        run_in_threads(work, 2)
    (hidden * 2).sum().backward()
    assert torch.allclose(leaf.grad, 20 * hidden.detach())
