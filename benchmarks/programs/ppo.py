"""Proximal policy optimisation steers a point to the middle, with continuous actions."""

import random

import torch
from torch import nn
from torch.distributions import Normal

torch.manual_seed(0)
random.seed(0)


class Point:
    def reset(self):
        self.place = [random.uniform(-1, 1), random.uniform(-1, 1)]
        self.speed = [0.0, 0.0]
        return self.place + self.speed

    def step(self, action):
        for axis in (0, 1):
            self.speed[axis] = 0.9 * self.speed[axis] + 0.1 * max(-1.0, min(1.0, action[axis]))
            self.place[axis] += 0.2 * self.speed[axis]
        distance = abs(self.place[0]) + abs(self.place[1])
        return self.place + self.speed, -distance, distance > 3 or distance < 0.05


actor = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
critic = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
log_deviation = nn.Parameter(torch.zeros(2))
parameters = [*actor.parameters(), *critic.parameters(), log_deviation]
optimiser = torch.optim.Adam(parameters, lr=1e-3)
point = Point()
state = point.reset()
for iteration in range(6):
    states, chosen, logs, rewards, ends = [], [], [], [], []
    for _ in range(192):
        x = torch.tensor(state)
        with torch.no_grad():
            policy = Normal(actor(x), log_deviation.exp())
            action = policy.sample()
            logs.append(policy.log_prob(action).sum())
        states.append(x)
        chosen.append(action)
        state, reward, done = point.step(action.tolist())
        rewards.append(reward)
        ends.append(done)
        if done:
            state = point.reset()
    states, chosen, logs = torch.stack(states), torch.stack(chosen), torch.stack(logs)
    with torch.no_grad():
        values = critic(states)[:, 0]
    advantages, running = torch.zeros(192), 0.0
    for i in reversed(range(192)):
        following = 0.0 if ends[i] or i == 191 else values[i + 1].item()
        error = rewards[i] + 0.97 * following - values[i].item()
        running = error + 0.97 * 0.95 * running * (not ends[i])
        advantages[i] = running
    returns = advantages + values
    advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    for epoch in range(4):
        for rows in torch.randperm(192).split(48):
            policy = Normal(actor(states[rows]), log_deviation.exp())
            ratio = (policy.log_prob(chosen[rows]).sum(1) - logs[rows]).exp()
            clipped = ratio.clamp(0.8, 1.2)
            gain = torch.min(ratio * advantages[rows], clipped * advantages[rows]).mean()
            value_loss = (critic(states[rows])[:, 0] - returns[rows]).square().mean()
            loss = -gain + 0.5 * value_loss - 0.01 * policy.entropy().sum(1).mean()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 0.5)
            optimiser.step()
            if iteration == 0 and epoch < 2:
                print(f"first iteration, epoch {epoch}: loss {loss.item():.3f}")
    print(f"roughly reward of iteration {iteration}: {sum(rewards) / 8:.0f}")
