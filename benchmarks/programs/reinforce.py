"""Policy gradients on a pole that is to be balanced: one gradient for each episode."""

import math
import random

import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)
random.seed(0)


class Pole:
    """A pole on a cart; an action pushes it to the left or to the right."""

    def reset(self):
        self.state = [random.uniform(-0.05, 0.05) for _ in range(4)]
        return self.state

    def step(self, action):
        x, speed, angle, turning = self.state
        force = 10.0 if action == 1 else -10.0
        pull = (force + 0.05 * turning**2 * math.sin(angle)) / 1.1
        bend = 9.8 * math.sin(angle) - math.cos(angle) * pull
        turning_change = bend / (0.5 * (4 / 3 - 0.1 * math.cos(angle) ** 2 / 1.1))
        change = pull - 0.05 * turning_change * math.cos(angle) / 1.1
        self.state = [
            *(x + 0.02 * speed, speed + 0.02 * change),
            *(angle + 0.02 * turning, turning + 0.02 * turning_change),
        ]
        return self.state, abs(self.state[0]) > 2.4 or abs(self.state[2]) > 0.21


policy = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2), nn.Softmax(dim=1))
optimiser = torch.optim.Adam(policy.parameters(), lr=3e-3)
pole = Pole()
lengths = []
while sum(lengths) < 3000:
    state, logs, rewards, done = pole.reset(), [], [], False
    while not done and len(rewards) < 120:
        chances = Categorical(policy(torch.tensor(state).unsqueeze(0)))
        action = chances.sample()
        logs.append(chances.log_prob(action))
        state, done = pole.step(action.item())
        rewards.append(1.0)
    returns, future = [], 0.0
    for reward in reversed(rewards):
        future = reward + 0.99 * future
        returns.insert(0, future)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-6)
    loss = torch.cat([-log * value for log, value in zip(logs, returns)]).sum()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    lengths.append(len(rewards))
    if len(lengths) <= 5:
        print(f"episode {len(lengths)}: {lengths[-1]} steps, loss {loss.item():.3f}")
print(f"roughly steps of the last episodes: {sum(lengths[-20:]) / 20:.0f}")
