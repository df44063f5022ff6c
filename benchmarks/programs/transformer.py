"""Train a transformer to sort letters into vowels and others; arguments: steps, layers, width."""

import sys

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
steps, layers, width = (int(word) for word in sys.argv[1:])
length, batch, letters = 24, 8, 26


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.letters = nn.Embedding(letters, width)
        self.positions = nn.Parameter(0.02 * torch.randn(length, width))
        layer = nn.TransformerEncoderLayer(
            width, 4, 4 * width, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        return self.head(self.norm(self.encoder(self.letters(x) + self.positions)))


def labelled(count):
    """Return letters, and of each how many of the two before it are vowels."""
    x = torch.randint(0, letters, (count, length))
    vowel = (x % 4 == 0).long()
    before = F.pad(vowel, (2, 0))
    return x, before[:, 1:-1] + before[:, :-2]


model = Tagger()
optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
for step in range(steps):
    x, y = labelled(batch)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    if step in (0, 1, 2, 5, 10, 20):
        print(f"step {step}: loss {loss.item():.3f}")
model.eval()
with torch.no_grad():
    x, y = labelled(64)
    right = (model(x).argmax(-1) == y).float().mean().item()
print(f"roughly right of a hundred: {100 * right:.0f}")
