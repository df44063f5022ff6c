"""Tianshou: data of reinforcement learning, and networks for it."""

import numpy as np
import torch
from programs import run_programs
from tianshou.data import Batch, ReplayBuffer, to_numpy, to_torch
from tianshou.utils.net.common import MLP, Net
from tianshou.utils.net.discrete import DiscreteActor, DiscreteCritic


def batches():
    batch = Batch(a=np.arange(4), b=Batch(c=torch.arange(4.0)))
    print(batch[1:3], Batch.stack([batch, batch]).b.c.shape, Batch.cat([batch, batch]).a)
    print(to_torch(batch).a, type(to_numpy(batch).b.c).__name__)
    buffer = ReplayBuffer(size=5)
    for step in range(7):
        row = {"obs": step, "act": step, "rew": 1.0, "obs_next": step + 1}
        buffer.add(Batch(**row, terminated=step == 3, truncated=False))
    print(len(buffer), buffer.obs, buffer.prev(np.arange(5)), buffer.next(np.arange(5)))


def networks():
    net = MLP(input_dim=3, output_dim=2, hidden_sizes=(8,))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    x = torch.randn(16, 3)
    for step in range(3):
        loss = (net(x) - x[:, :2]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))
    body = Net(state_shape=3, hidden_sizes=[8])
    actor = DiscreteActor(preprocess_net=body, action_shape=2)
    critic = DiscreteCritic(preprocess_net=body)
    print(actor(np.ones((2, 3), dtype="float32"))[0], critic(np.ones((2, 3), dtype="float32")))


run_programs()
