"""A variational auto-encoder of the digits (Kingma and Welling, 2013)."""

import torch
from sklearn.datasets import load_digits
from torch import nn


class VAE(nn.Module):
    def __init__(self, latent=4):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 48), nn.SiLU())
        self.mean = nn.Linear(48, latent)
        self.log_variance = nn.Linear(48, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, 48), nn.SiLU(), nn.Linear(48, 64))

    def forward(self, x):
        h = self.encoder(x)
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        return self.decoder(z), mean, log_variance


torch.manual_seed(7)
images = torch.tensor(load_digits().data / 16, dtype=torch.float32)
model = VAE()
optimizer = torch.optim.Adamax(model.parameters(), lr=4e-3)
for step in range(50):
    x = images[torch.randperm(len(images))[:64]]
    decoded, mean, log_variance = model(x)
    reconstruction = nn.functional.binary_cross_entropy_with_logits(decoded, x, reduction="sum")
    divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
    loss = (reconstruction + divergence) / len(x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("loss", step, loss.item())
with torch.no_grad():
    print("metric sample", torch.sigmoid(model.decoder(torch.randn(16, 4))).mean().item())
