"""A variational autoencoder of blurred spots, its batches from a DataLoader."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)

grid = torch.arange(16.0)
centres = 3 + 10 * torch.rand(1000, 2, 1)
rows = torch.exp(-((grid - centres[:, :1]) ** 2) / 8)
columns = torch.exp(-((grid - centres[:, 1:]) ** 2) / 8)
images = rows.transpose(1, 2) * columns
train, test = random_split(TensorDataset(images.flatten(1)), [900, 100])


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(256, 100), nn.ReLU())
        self.mean, self.log_variance = nn.Linear(100, 8), nn.Linear(100, 8)
        self.decoder = nn.Sequential(
            nn.Linear(8, 100), nn.ReLU(), nn.Linear(100, 256), nn.Sigmoid()
        )

    def forward(self, x):
        hidden = self.encoder(x)
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        return self.decoder(z), mean, log_variance


def loss_function(image, x, mean, log_variance):
    divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
    return F.binary_cross_entropy(image, x, reduction="sum") + divergence


model = VAE()
optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(8):
    model.train()
    total = 0.0
    for (x,) in DataLoader(train, batch_size=32, shuffle=True):
        optimiser.zero_grad()
        image, mean, log_variance = model(x)
        loss = loss_function(image, x, mean, log_variance)
        loss.backward()
        optimiser.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        tested = 0.0
        for (x,) in DataLoader(test, batch_size=64):
            image, mean, log_variance = model(x)
            tested += loss_function(image, x, mean, log_variance).item()
    print(f"epoch {epoch}: loss of an image {total / 900:.3f}, tested {tested / 100:.3f}")
