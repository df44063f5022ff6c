"""snntorch: networks of spiking neurons."""

import snntorch
import torch
from programs import run_programs
from snntorch import functional, spikegen, surrogate, utils


def neurons():
    x = torch.rand(10, 2, 4)
    leaky, synaptic = snntorch.Leaky(beta=0.9), snntorch.Synaptic(alpha=0.8, beta=0.7)
    membrane, (current, other) = leaky.init_leaky(), synaptic.init_synaptic()
    for row in x:
        spikes, membrane = leaky(row, membrane)
        more, current, other = synaptic(row, current, other)
    print(spikes, membrane, more, current, other)
    print(spikegen.rate(x[0], num_steps=3), spikegen.latency(x[0], num_steps=4).sum(0))


def training():
    gradient = surrogate.fast_sigmoid(slope=25)
    model = torch.nn.Sequential(
        torch.nn.Linear(4, 16),
        snntorch.Leaky(beta=0.9, spike_grad=gradient, init_hidden=True),
        torch.nn.Linear(16, 3),
        snntorch.Leaky(beta=0.9, spike_grad=gradient, init_hidden=True, output=True),
    )
    loss_of = functional.ce_rate_loss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    x, y = torch.rand(8, 4) * 2, torch.randint(0, 3, (8,))
    for step in range(3):
        utils.reset(model)
        spikes = torch.stack([model(x)[0] for _ in range(6)])
        loss = loss_of(spikes, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4), functional.accuracy_rate(spikes, y))


run_programs()
