"""Deep Q-learning with replay memory and a target net, on a walk through a field with wind."""

import random
from collections import deque, namedtuple

import torch
from torch import nn

torch.manual_seed(0)
random.seed(0)
Transition = namedtuple("Transition", ("state", "action", "next_state", "reward"))
goal, size, actions = (5, 5), 6, 4


class Field:
    """Four directions; the wind blows now and then; the goal ends an episode."""

    def reset(self):
        self.x, self.y = 0, random.randrange(size)
        return self.state()

    def state(self):
        x, y = self.x / size, self.y / size
        return torch.tensor([[x, y, x * y, 1.0]])

    def step(self, action):
        dx, dy = ((1, 0), (-1, 0), (0, 1), (0, -1))[action]
        if random.random() < 0.1:
            dx, dy = 0, 1
        self.x = min(size - 1, max(0, self.x + dx))
        self.y = min(size - 1, max(0, self.y + dy))
        done = (self.x, self.y) == goal
        return self.state(), 1.0 if done else -0.05, done


def net():
    return nn.Sequential(
        nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, actions)
    )


policy, target = net(), net()
target.load_state_dict(policy.state_dict())
optimiser = torch.optim.AdamW(policy.parameters(), lr=1e-3, amsgrad=True)
criterion = nn.SmoothL1Loss()
memory = deque(maxlen=400)


def optimise(batch_size=32):
    if len(memory) < batch_size:
        return None
    batch = Transition(*zip(*random.sample(memory, batch_size)))
    mask = torch.tensor([state is not None for state in batch.next_state])
    following = torch.cat([state for state in batch.next_state if state is not None])
    values = policy(torch.cat(batch.state)).gather(1, torch.cat(batch.action))
    next_values = torch.zeros(batch_size)
    with torch.no_grad():
        next_values[mask] = target(following).max(1).values
    expected = torch.cat(batch.reward) + 0.95 * next_values
    loss = criterion(values, expected.unsqueeze(1))
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(policy.parameters(), 100)
    optimiser.step()
    return loss.item()


field, losses, finished = Field(), [], 0
state = field.reset()
for step in range(900):
    if random.random() > max(0.1, 1 - step / 500):
        with torch.no_grad():
            action = policy(state).max(1).indices.view(1, 1)
    else:
        action = torch.tensor([[random.randrange(actions)]])
    following, reward, done = field.step(action.item())
    memory.append(Transition(state, action, None if done else following, torch.tensor([reward])))
    state, finished = (field.reset(), finished + 1) if done else (following, finished)
    loss = optimise()
    if loss is not None:
        losses.append(loss)
        if len(losses) in (1, 2, 5, 10, 20):
            print(f"update {len(losses)}: loss {loss:.4f}")
    weights, slow = policy.state_dict(), target.state_dict()
    for key in weights:
        slow[key] = weights[key] * 0.01 + slow[key] * 0.99
    target.load_state_dict(slow)
print(f"roughly episodes done: {finished}")
