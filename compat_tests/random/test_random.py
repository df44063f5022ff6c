"""Random tensors: expressions against the outcomes recorded from PyTorch."""

from __future__ import annotations

import pytest

from compat_tests.helpers.expressions import outcome, read

RECORDED = read("random")


@pytest.mark.parametrize("expression", RECORDED)
def test_outcome_is_pytorchs(torch, expression):
    assert outcome(torch, expression) == RECORDED[expression]


def test_states_bring_numbers_back(torch):
    torch.manual_seed(3)
    torch.randn(3)  # leaves half a pair behind
    state = torch.get_rng_state()
    first = torch.randn(5).tolist()
    torch.set_rng_state(state)
    assert torch.randn(5).tolist() == first
    with torch.random.fork_rng():
        torch.rand(7)
    again = torch.rand(2).tolist()
    torch.set_rng_state(state)
    torch.randn(5)
    assert torch.rand(2).tolist() == again


def test_generators_are_independent(torch):
    one, two = torch.Generator().manual_seed(1), torch.Generator().manual_seed(1)
    torch.manual_seed(0)
    assert torch.rand(3, generator=one).tolist() == torch.rand(3, generator=two).tolist()
    before = torch.rand(1).item()
    torch.manual_seed(0)
    assert torch.rand(1).item() == before
    copy = one.clone_state()
    assert torch.rand(2, generator=copy).tolist() == torch.rand(2, generator=one).tolist()


def test_draws_into_parameters_and_graphs(torch):
    weight = torch.ones(3, requires_grad=True)
    with torch.no_grad():
        weight.uniform_(2, 3)
    assert weight.is_leaf and weight.requires_grad and weight.min().item() >= 2
    ((weight * 2).normal_() * weight).sum().backward()
    assert weight.grad.tolist() != [0, 0, 0]


def test_a_draw_is_not_repeated_by_a_program_that_runs_again(torch):
    torch.manual_seed(0)
    seen = {(torch.rand(2) * 1).sum().item() for _ in range(5)}
    assert len(seen) == 5


def test_normal_of_means_and_deviations_without_dimensions(torch):
    """Draw by one tensor of no dimensions, by two, and by one beside a number."""
    torch.manual_seed(0)
    one, two = torch.tensor(1.0), torch.tensor(2.0)
    assert torch.normal(one, two).item() == 4.081992149353027
    assert torch.normal(one, torch.ones(2)).tolist() == [0.706571102142334, -1.1787893772125244]
    assert torch.normal(2.0, two).item() == 3.1368625164031982
    assert torch.normal(two, 3.0).item() == -1.2535669803619385
