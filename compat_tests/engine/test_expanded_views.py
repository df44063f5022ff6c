"""An expanded view that no memory could hold is never written out, whatever is done with it."""

from __future__ import annotations

import copy
import io

import numpy as np
import pytest

#: Elements of a view: four terabytes of float32.
HUGE = 10**12
#: Elements of a view that is large enough to be kept with its repeats.
LARGE = 10**7


@pytest.mark.execution("auto")
def test_it_prints(torch):
    expanded = (torch.ones(1) * 2).expand(HUGE)
    assert repr(expanded) == "tensor([2., 2., 2.,  ..., 2., 2., 2.])"
    rows = torch.arange(3.0)[:, None].expand(3, HUGE)
    assert repr(rows) == (
        "tensor([[0., 0., 0.,  ..., 0., 0., 0.],\n        [1., 1., 1.,  ..., 1., 1., 1.],\n"
        "        [2., 2., 2.,  ..., 2., 2., 2.]])"
    )


@pytest.mark.execution("auto")
def test_it_lives_through_a_flush(torch):
    expanded = (torch.ones(1) * 3).expand(HUGE)
    view = expanded[5:].view(-1, 5)
    assert (torch.ones(1) + 1).item() == 2
    assert expanded[HUGE - 1].item() == 3 and view[7, 2].item() == 3
    assert view.shape == (HUGE // 5 - 1, 5) and expanded.stride() == (0,)


@pytest.mark.execution("auto")
@pytest.mark.parametrize("zipped", [True, False])
def test_it_is_saved_as_its_one_element(torch, zipped):
    buffer = io.BytesIO()
    torch.save((torch.ones(1) * 2).expand(HUGE), buffer, _use_new_zipfile_serialization=zipped)
    assert len(buffer.getvalue()) < 2000
    buffer.seek(0)
    loaded = torch.load(buffer)
    assert loaded.shape == (HUGE,) and loaded.stride() == (0,) and loaded[HUGE // 2].item() == 2
    copied = copy.deepcopy(loaded)
    assert copied.shape == (HUGE,) and copied.untyped_storage().nbytes() == 4


def test_what_was_kept_with_its_repeats_can_be_written_to(torch):
    filled = torch.full((LARGE,), 3.0)
    assert filled[0].item() == 3
    array = filled.numpy()
    array[0] = 1
    filled[1] = 8
    assert filled[:3].tolist() == array[:3].tolist() == [1, 8, 3]
    cloned = (torch.ones(1) * 2).expand(LARGE).clone()
    assert cloned[0].item() == 2
    cloned.add_(1)
    cloned[0] = 7
    assert cloned[:3].tolist() == [7, 3, 3] and cloned.sum().item() == 3.0 * LARGE + 4
    assert np.asarray(cloned).strides == (4,)


def test_a_gradient_that_repeats_can_be_written_to(torch):
    weight = torch.ones(LARGE, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.5, momentum=0.5)
    for _ in range(3):
        optimizer.zero_grad()
        weight.sum().backward()
        optimizer.step()
        weight[0].item()
    weight.grad.numpy()[0] = 4
    assert weight.grad[:2].tolist() == [4, 1]
    assert weight[:2].tolist() == [1 - 0.5 - 0.75 - 0.875] * 2
