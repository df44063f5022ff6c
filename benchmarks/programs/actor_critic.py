"""Actor and critic learn to keep a ball on a beam; one gradient for each episode."""

import random

import torch
from torch import nn
from torch.distributions import Categorical
from torch.nn import functional as F

torch.manual_seed(0)
random.seed(0)


class Beam:
    """A ball on a beam that is tilted to either side, or left as it is."""

    def reset(self):
        self.place, self.speed, self.tilt = random.uniform(-0.3, 0.3), 0.0, 0.0
        return [self.place, self.speed, self.tilt]

    def step(self, action):
        self.tilt = max(-0.5, min(0.5, self.tilt + 0.1 * (action - 1)))
        self.speed += 0.1 * self.tilt + random.gauss(0, 0.01)
        self.place += 0.2 * self.speed
        state = [self.place, self.speed, self.tilt]
        return state, 1.0 - abs(self.place), abs(self.place) > 1.0


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine = nn.Linear(3, 64)
        self.actor = nn.Linear(64, 3)
        self.critic = nn.Linear(64, 1)

    def forward(self, x):
        x = F.relu(self.affine(x))
        return F.softmax(self.actor(x), dim=-1), self.critic(x)


model = ActorCritic()
optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
beam = Beam()
episodes, total_steps, scores = 0, 0, []
while total_steps < 2500:
    state, saved, rewards, done = beam.reset(), [], [], False
    while not done and len(rewards) < 100:
        chances, value = model(torch.tensor(state))
        distribution = Categorical(chances)
        action = distribution.sample()
        saved.append((distribution.log_prob(action), value))
        state, reward, done = beam.step(action.item())
        rewards.append(reward)
    future, returns = 0.0, []
    for reward in rewards[::-1]:
        future = reward + 0.97 * future
        returns.insert(0, future)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-6)
    policy_losses, value_losses = [], []
    for (log, value), actual in zip(saved, returns):
        advantage = actual - value.item()
        policy_losses.append(-log * advantage)
        value_losses.append(F.smooth_l1_loss(value, torch.tensor([actual])))
    optimiser.zero_grad()
    loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum()
    loss.backward()
    optimiser.step()
    episodes, total_steps = episodes + 1, total_steps + len(rewards)
    scores.append(sum(rewards))
    if episodes <= 4:
        print(f"episode {episodes}: {len(rewards)} steps, loss {loss.item():.3f}")
print(f"roughly score of the last episodes: {sum(scores[-10:]) / 10:.0f}")
