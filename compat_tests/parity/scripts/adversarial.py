"""A generative adversarial network (Goodfellow et al., 2014) on points of a ring."""

import math

import torch
from torch import nn

torch.manual_seed(8)
generator = nn.Sequential(nn.Linear(4, 32), nn.LeakyReLU(0.2), nn.Linear(32, 2))
critic = nn.Sequential(
    nn.Linear(2, 32),
    nn.LeakyReLU(0.2),
    nn.utils.parametrizations.spectral_norm(nn.Linear(32, 32)),
    nn.LeakyReLU(0.2),
    nn.Linear(32, 1),
)
of_generator = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
of_critic = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.5, 0.999))
criterion = nn.BCEWithLogitsLoss()
for step in range(50):
    angles = torch.rand(64) * 2 * math.pi
    real = torch.stack([angles.cos(), angles.sin()], dim=1) + 0.05 * torch.randn(64, 2)
    fake = generator(torch.randn(64, 4))
    of_critic.zero_grad()
    loss_real = criterion(critic(real), torch.ones(64, 1))
    loss_fake = criterion(critic(fake.detach()), torch.zeros(64, 1))
    (loss_real + loss_fake).backward()
    of_critic.step()
    of_generator.zero_grad()
    loss = criterion(critic(fake), torch.ones(64, 1))
    loss.backward()
    of_generator.step()
    print("loss", step, (loss_real + loss_fake).item(), loss.item())
with torch.no_grad():
    print("metric radius", generator(torch.randn(500, 4)).norm(dim=1).mean().item())
