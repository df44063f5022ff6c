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


def test_dying_inputs_are_overwritten(torch, steps):
    if torch.__name__ != "jtorch":
        pytest.skip("looks at jtorch's own state")
    model, step = steps
    for _ in range(3):
        step()
    old = model.weight._value.array
    assert not old.is_deleted()
    where = old.unsafe_buffer_pointer()
    del old
    step()
    assert model.weight._value.array.unsafe_buffer_pointer() == where


def test_an_array_that_is_held_is_copied_first(torch, steps):
    if torch.__name__ != "jtorch":
        pytest.skip("looks at jtorch's own state")
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


def test_a_step_without_memory_loses_nothing(torch):
    """What a program would have overwritten is still there, and the script can go on."""
    weight = torch.ones(1 << 20)
    for _ in range(3):
        weight = weight + 1
        weight[0].item()
    huge = (weight.expand(1 << 20, 1 << 20) * torch.arange(1 << 20)[:, None]).sort(0)[0]
    weight.add_(1)
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        huge.sum().item()
    del huge
    assert weight[:3].tolist() == [5, 5, 5]
    assert (weight * 2)[-1].item() == 10
