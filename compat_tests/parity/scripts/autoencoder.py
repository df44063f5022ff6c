"""A variational auto-encoder of the digits (Kingma and Welling, 2013)."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.distributions import Normal, kl_divergence


class VAE(nn.Module):
    def __init__(self, latent=4):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 48), nn.SiLU())
        self.mean = nn.Linear(48, latent)
        self.log_variance = nn.Linear(48, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, 48), nn.SiLU(), nn.Linear(48, 64))

    def forward(self, x):
        h = self.encoder(x)
        code = Normal(self.mean(h), torch.exp(0.5 * self.log_variance(h)))
        return self.decoder(code.rsample()), code


torch.manual_seed(7)
images = torch.tensor(load_digits().data / 16, dtype=torch.float32)
model = VAE()
optimizer = torch.optim.Adamax(model.parameters(), lr=4e-3)
for step in range(50):
    x = images[torch.randperm(len(images))[:64]]
    decoded, code = model(x)
    reconstruction = nn.functional.binary_cross_entropy_with_logits(decoded, x, reduction="sum")
    divergence = kl_divergence(code, Normal(0.0, 1.0)).sum()
    loss = (reconstruction + divergence) / len(x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("loss", step, loss.item())
with torch.no_grad():
    print("metric sample", torch.sigmoid(model.decoder(torch.randn(16, 4))).mean().item())
