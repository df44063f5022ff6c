"""Programs that overwrite their inputs never overwrite what somebody still holds."""

from __future__ import annotations

import copy
import threading

import numpy as np
import pytest

SIZE = 64  # 64 x 64 numbers: more than a program leaves alone


@pytest.fixture
def steps(torch):
    """Return a model, and a function that takes a step of training."""
    torch.manual_seed(0)
    model = torch.nn.Linear(SIZE, SIZE)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    x = torch.randn(8, SIZE)

    def step():
        optimizer.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    return model, step


def test_old_values_held_under_other_names_survive(torch, steps):
    model, step = steps
    for _ in range(3):
        step()
    weight = model.weight
    held = weight.detach().clone()
    expected = held.tolist()
    again = weight * 1  # an input of the next program too
    state = copy.deepcopy(model.state_dict())
    array = weight.detach().numpy().copy()
    step()
    assert held.tolist() == expected
    assert again.tolist() == expected
    assert state["weight"].tolist() == expected
    assert array.tolist() == expected
    assert weight.tolist() != expected


def test_a_value_held_only_sometimes(torch):
    numbers = torch.arange(float(SIZE * SIZE))
    numbers.sum().item()
    kept = []
    for turn in range(6):
        if turn % 2:
            kept.append((turn, numbers.detach().view(SIZE, SIZE)))
            kept[-1][1].sum().item()
            numbers = numbers.clone()
            numbers.sum().item()
        shared = numbers.data if turn == 4 else None
        fresh = numbers + 1
        if shared is None:
            numbers = fresh
        else:
            numbers = fresh
            assert shared[0].item() == turn
        numbers.sum().item()
    for turn, view in kept:
        assert view[0, 0].item() == turn and view[-1, -1].item() == turn + SIZE * SIZE - 1


@pytest.mark.execution("compile")
def test_dying_inputs_are_overwritten(torch, steps):
    only_jtorch(torch)
    model, step = steps
    for _ in range(3):
        step()
    old = model.weight._value.array
    assert not old.is_deleted()
    where = old.unsafe_buffer_pointer()
    del old
    step()
    assert model.weight._value.array.unsafe_buffer_pointer() == where


@pytest.mark.execution("compile")
def test_an_array_that_is_held_is_copied_first(torch, steps):
    only_jtorch(torch)
    model, step = steps
    for _ in range(3):
        step()
    value = model.weight._value
    array = value.array
    expected = np.array(array)
    step()
    assert not array.is_deleted()
    assert np.array_equal(np.asarray(array), expected)


def test_losses_do_not_depend_on_who_holds_what(torch):
    def losses(hold):
        torch.manual_seed(0)
        model = torch.nn.Linear(SIZE, SIZE)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        x = torch.randn(8, SIZE)
        found, held = [], []
        for turn in range(5):
            optimizer.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            if hold and turn % 2:
                held.append([model.weight.data, model.weight.grad, model.weight.detach().clone()])
            optimizer.step()
            found.append(loss.item())
        return found

    assert losses(True) == losses(False)


def test_a_value_that_another_thread_reads(torch):
    numbers = torch.zeros(SIZE * SIZE)
    numbers.sum().item()
    errors = []

    def read(tensor):
        try:
            for _ in range(20):
                assert len(set(tensor[:5].tolist())) == 1
        except Exception as error:
            errors.append(error)

    for _ in range(5):
        thread = threading.Thread(target=read, args=(numbers,))
        thread.start()
        numbers = numbers + 1
        numbers.sum().item()
        thread.join()
    assert not errors
    assert numbers[0].item() == 5


def only_jtorch(torch):
    if torch.__name__ != "jtorch":
        pytest.skip("is about when a recorded program runs")


def out_of_memory(torch, weight):
    """Return a number that there is no memory to compute.

    Neither size is a power of two: XLA of JAX 0.11 and 0.12 divides by zero, which ends the process
    where the elements of a result are a multiple of 2 ** 36.
    """
    rows = weight.reshape(-1)[:1].expand(1_000_003, 1_000_003)
    return (rows * torch.arange(1_000_003)[:, None]).sort(0)[0].sum()


def test_what_can_be_computed_without_the_memory_is(torch):
    only_jtorch(torch)
    weight = torch.ones(1 << 20)
    for _ in range(3):
        weight = weight + 1
        weight[0].item()
    twice = weight * 2
    weight.add_(1)
    huge = out_of_memory(torch, weight)
    after = huge + 1
    weight.add_(1)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="can't allocate memory"):
            huge.item()
        with pytest.raises(RuntimeError, match="can't allocate memory"):
            print(after)
    assert weight[0].item() == 6 and twice[0].item() == 8
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        (huge + weight[0]).tolist()
    assert weight.mul_(2)[-1].item() == 12


def test_what_depends_on_the_memory_is_not_overwritten(torch):
    only_jtorch(torch)
    weight = torch.ones(1 << 20)
    for _ in range(3):
        weight = weight + 1
        weight[0].item()
    weight += out_of_memory(torch, weight)
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        weight[0].item()
    assert weight[0].item() == 4
    assert (weight + 1)[-1].item() == 5


def test_training_goes_on_after_a_step_without_memory(torch, steps):
    only_jtorch(torch)
    model, step = steps
    for _ in range(2):
        step()
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    optimizer.zero_grad()
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        loss = out_of_memory(torch, model.weight)
        loss.backward()
        optimizer.step()
        loss.item()
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    first, second = step(), step()
    assert second < first
