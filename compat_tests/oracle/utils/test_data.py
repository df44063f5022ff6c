"""Datasets, samplers and loaders beside PyTorch's."""

from __future__ import annotations

import pytest

from compat_tests.helpers import data_programs as programs

pytestmark = pytest.mark.oracle


def test_orders(both):
    both(programs.orders)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches(both, workers):
    both(lambda torch: programs.batches(torch, workers))


def test_batches_of_a_generator(both):
    def program(torch):
        generator = torch.Generator().manual_seed(9)
        text = programs.batches(torch, 0, generator=generator)
        return text, torch.randint(10**9, (2,), generator=generator).tolist()

    both(program)


@pytest.mark.parametrize("workers, persistent", [(0, False), (2, False), (2, True)])
def test_streams(both, workers, persistent):
    both(lambda torch: programs.streams(torch, workers, persistent))


WRONG = {
    "workers": dict(num_workers=-1),
    "timeout": dict(timeout=-1),
    "prefetch": dict(prefetch_factor=2),
    "persistent": dict(persistent_workers=True),
    "shuffled sampler": dict(shuffle=True, sampler=[1]),
    "batch sampler": dict(batch_sampler=[[1]], batch_size=3),
    "unbatched": dict(batch_size=None, drop_last=True),
    "zero": dict(batch_size=0),
    "context": dict(num_workers=1, multiprocessing_context="never"),
    "context of no workers": dict(multiprocessing_context="fork"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_options(both, case):
    both(lambda torch: torch.utils.data.DataLoader(range(5), **WRONG[case]))


@pytest.mark.parametrize("options", [dict(shuffle=True), dict(sampler=[1]), dict(batch_sampler=[])])
def test_wrong_options_of_a_stream(both, options):
    both(lambda torch: torch.utils.data.DataLoader(programs.stream_of(torch), **options) and 1)


def test_attributes_cannot_be_set(both):
    both(lambda torch: setattr(torch.utils.data.DataLoader(range(5)), "batch_size", 2))


@pytest.mark.parametrize("case", ["lengths", "strings", "nothing known"])
def test_collate(both, case):
    samples = {"lengths": [[1, 2], [3]], "strings": ["a", "b"], "nothing known": [{1}, {2}]}[case]
    both(lambda torch: torch.utils.data.default_collate(samples))


def test_collate_shapes(both):
    both(lambda torch: torch.utils.data.default_collate([torch.ones(2), torch.ones(3)]))


def test_a_worker_that_raises(both):
    def program(torch):
        loader = torch.utils.data.DataLoader(programs.samples_of(torch, "raise"), num_workers=1)
        try:
            list(loader)
        except KeyError as error:
            return str(error).splitlines()[0], str(error).splitlines()[-1]

    both(program)
