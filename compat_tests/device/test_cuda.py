"""``torch.cuda`` as scripts use it."""

from __future__ import annotations

import gc
import re

import pytest


def test_questions(torch, device):
    cuda = torch.cuda
    assert cuda.is_available() and cuda.is_initialized() and cuda.device_count() >= 1
    assert cuda.current_device() == 0
    with cuda.device(0):
        assert torch.empty(1, device="cuda").device == device
    assert cuda.get_device_name(0) == cuda.get_device_properties("cuda").name
    major, minor = cuda.get_device_capability()
    assert (major, minor) == (
        cuda.get_device_properties(0).major,
        cuda.get_device_properties(0).minor,
    )
    assert cuda.is_bf16_supported() and cuda.is_tf32_supported() == (major >= 8)
    assert torch.device("cuda") == torch.device("cuda") != device
    for fails in (lambda: torch.ones(1, device="cuda:99"), lambda: cuda.set_device(99)):
        with pytest.raises((RuntimeError, AssertionError)):
            fails()


def test_memory_is_counted(torch, device):
    cuda = torch.cuda
    gc.collect()  # errors of tests before hold tensors in cycles
    before = cuda.memory_allocated()
    held = torch.rand(1 << 20, device=device)
    assert cuda.memory_allocated() - before >= held.nbytes
    assert cuda.max_memory_allocated() >= cuda.memory_allocated()
    del held
    assert cuda.memory_allocated() <= before + 4096
    cuda.reset_peak_memory_stats()
    assert cuda.max_memory_allocated() <= before + 4096
    again = torch.rand(1 << 20, device=device)
    stats = cuda.memory_stats()
    assert stats["allocated_bytes.all.current"] == cuda.memory_allocated() >= again.nbytes
    assert stats["allocated_bytes.all.peak"] >= stats["allocated_bytes.all.current"]
    nested = cuda.memory_stats_as_nested_dict()
    assert nested["allocated_bytes"]["all"]["current"] == stats["allocated_bytes.all.current"]
    free, total = cuda.mem_get_info()
    assert 0 <= free <= total
    assert "Allocated memory" in cuda.memory_summary() and cuda.memory_reserved() >= 0
    assert cuda.empty_cache() is None and cuda.memory_snapshot() == []
    with pytest.warns(FutureWarning, match="has been renamed to `torch.cuda.memory_reserved`"):
        cuda.memory_cached()


def test_events_and_streams(torch, device):
    cuda = torch.cuda
    start, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
    with pytest.raises(ValueError, match="must be recorded before calculating elapsed time"):
        start.elapsed_time(end)
    points = torch.ones(64, 64, device=device)
    start.record()
    for _ in range(3):
        points = points @ points / 64
    end.record()
    end.synchronize()
    assert start.elapsed_time(end) > 0 > end.elapsed_time(start) and end.query()
    with pytest.raises(ValueError, match="enable_timing=True"):
        start.elapsed_time(cuda.Event())
    assert cuda.current_stream() == cuda.default_stream()
    side = cuda.Stream()
    side.wait_stream(cuda.current_stream())
    with cuda.stream(side):
        assert cuda.current_stream() == side
        product = points * 2
    cuda.current_stream().wait_event(side.record_event())
    assert cuda.current_stream() == cuda.default_stream() != side
    assert product.sum().item() == 2 * 64 * 64 and side.query()
    cuda.synchronize()


def test_generators_of_devices(torch, device):
    cuda = torch.cuda
    cuda.manual_seed(3)
    assert cuda.initial_seed() == 3
    state = cuda.get_rng_state()
    assert state.dtype is torch.uint8 and state.numel() == 16 and state.device.type == "cpu"
    drawn = torch.randn(5, device=device)
    cuda.set_rng_state(state)
    assert torch.equal(torch.randn(5, device=device), drawn)
    assert len(cuda.get_rng_state_all()) == cuda.device_count()
    torch.manual_seed(0)
    found = [round(each, 4) for each in torch.rand(5, device=device).tolist()]
    assert found == [0.3990, 0.5167, 0.0249, 0.9401, 0.9459]  # what PyTorch's documents print


def test_memory_that_is_not_there(torch, device):
    words = r"CUDA out of memory. Tried to allocate 4194304\.00 GiB"
    with pytest.raises(torch.cuda.OutOfMemoryError, match=words) as raised:
        torch.rand(1 << 50, device=device)
    assert isinstance(raised.value, RuntimeError)
    assert torch.OutOfMemoryError is torch.cuda.OutOfMemoryError
    total = torch.cuda.mem_get_info()[1]
    if total:
        assert re.search(r"GPU 0 has a total capacity of [\d.]+ GiB", str(raised.value))
    assert torch.ones(3, device=device).sum().item() == 3.0  # the process goes on


def test_wrong_parameters_of_draws(torch, device):
    with pytest.raises(
        RuntimeError, match=re.escape("normal expects std >= 0.0, but found std -1")
    ):
        torch.normal(0.0, -1.0, (2,), device=device)
    with pytest.raises(RuntimeError, match=re.escape("found from=1 > to=0")):
        torch.ones(2, device=device).uniform_(1, 0)
    halves = torch.empty(4096, device=device, dtype=torch.float16).uniform_(2, 3)
    assert halves.min() >= 2 and halves.max() < 3 and halves.float().std().item() < 0.32


def test_ranges_for_profilers(torch, device):
    nvtx = torch.cuda.nvtx
    assert nvtx.range_push("outer") == 0 and nvtx.range_push("inner") == 1
    assert nvtx.range_pop() == 1 and nvtx.range_pop() == 0
    with nvtx.range("step {}", 3):
        nvtx.mark("here")
    nvtx.range_end(nvtx.range_start("apart"))


def test_a_training_step_stays_on_the_device(torch, device, monkeypatch):
    """Nothing goes to the host or comes from it in a loop that reads no loss."""
    import jax

    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    model.to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    points = torch.ones(4, 8, device=device)

    def step():
        optimiser.zero_grad()
        loss = model(points).square().mean()
        loss.backward()
        optimiser.step()
        return loss

    for _ in range(3):
        step().item()
    moved = []
    put = jax.device_put
    monkeypatch.setattr(jax, "device_put", lambda *args, **kwargs: moved.append(args) or put(*args))
    looks = torch.compiler.stats().programs_compiled
    for _ in range(100):
        loss = step()
    with jax.transfer_guard_device_to_host("disallow"):
        torch.cuda.synchronize()
    assert loss.item() >= 0 and len([each for each in moved if getattr(each[0], "ndim", 0)]) == 0
    assert torch.compiler.stats().programs_compiled - looks <= 4


def test_coins_of_probabilities(torch, device):
    """Each thread of PyTorch's kernel takes four elements; the generator moves by twelve words."""
    generator = torch.Generator(device=device)

    def offset():
        return int.from_bytes(bytes(generator.get_state().tolist()[8:]), "little")

    probability = torch.linspace(0, 1, 1003, device=device)
    generator.manual_seed(5)
    drawn = torch.bernoulli(probability, generator=generator)
    assert drawn.device == device and offset() == 12
    assert drawn[0] == 0 and drawn[-1] == 1 and 400 < drawn.sum() < 600
    # The first word of every thread is the one that uniform_ takes first.
    generator.manual_seed(5)
    units = torch.empty(251, device=device).uniform_(generator=generator)
    assert torch.equal(drawn[::4], (units <= probability[::4]).float())
    for like in (
        torch.empty(1003, device=device),
        torch.empty(1003, device=device, dtype=torch.int32),
        torch.empty(1003, device=device, dtype=torch.bool),
    ):
        generator.manual_seed(5)
        assert torch.equal(like.bernoulli_(probability, generator=generator).float(), drawn)
    generator.manual_seed(5)
    turned = torch.empty(17, 59, device=device).t()
    turned.bernoulli_(probability.view(17, 59).t(), generator=generator)
    assert torch.equal(turned.t().flatten(), drawn)
    torch.empty(0, device=device).bernoulli_(torch.empty(0, device=device), generator=generator)
    assert offset() == 12
