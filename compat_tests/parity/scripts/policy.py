"""Policy gradient with a baseline (Williams, 1992): a walker on a line looks for its goal."""

import torch
import torch.nn as nn
from torch.distributions import Categorical

LENGTH, STEPS = 7, 12


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(LENGTH, 16), nn.Tanh())
        self.action = nn.Linear(16, 2)
        self.value = nn.Linear(16, 1)

    def forward(self, place):
        h = self.body(nn.functional.one_hot(place, LENGTH).float())
        return Categorical(logits=self.action(h)), self.value(h).squeeze(-1)


torch.manual_seed(10)
policy = Policy()
optimizer = torch.optim.AdamW(policy.parameters(), lr=0.02)
for episode in range(50):
    place = torch.full((8,), LENGTH // 2)
    logs, spread, values, rewards = [], [], [], []
    for _ in range(STEPS):
        chances, value = policy(place)
        action = chances.sample()
        logs.append(chances.log_prob(action))
        spread.append(chances.entropy())
        values.append(value)
        place = (place + 2 * action - 1).clamp(0, LENGTH - 1)
        rewards.append((place == LENGTH - 1).float() - 0.1)
    gains, total = [], torch.zeros(8)
    for reward in reversed(rewards):
        total = reward + 0.95 * total
        gains.insert(0, total)
    gains, values = torch.stack(gains), torch.stack(values)
    advantage = gains - values.detach()
    loss = -(torch.stack(logs) * advantage).mean()
    loss = loss - 0.01 * torch.stack(spread).mean()
    loss = loss + 0.5 * nn.functional.smooth_l1_loss(values, gains)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("loss", episode, loss.item(), torch.stack(rewards).sum(0).mean().item())
print("metric reward", torch.stack(rewards).sum(0).mean().item())
