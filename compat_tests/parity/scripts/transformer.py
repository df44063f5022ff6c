"""A small transformer learns to sort: causal mask, dropout, AdamW, warm-up, clipping."""

import math

import torch
import torch.nn as nn


class Sorter(nn.Module):
    def __init__(self, symbols=10, width=32, length=12):
        super().__init__()
        self.tokens = nn.Embedding(symbols, width)
        self.positions = nn.Parameter(torch.zeros(length, width))
        layer = nn.TransformerEncoderLayer(
            width, nhead=4, dim_feedforward=64, dropout=0.1, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, symbols)

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.size(1))
        h = self.tokens(x) + self.positions[: x.size(1)]
        return self.head(self.encoder(h, mask=mask, is_causal=True))


torch.manual_seed(6)
model = Sorter()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
warm_up = lambda step: min((step + 1) / 10, 0.5 * (1 + math.cos(math.pi * step / 60)))  # noqa: E731
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, warm_up)


def make_batch(size):
    x = torch.randint(0, 10, (size, 6))
    whole = torch.cat([x, x.sort(dim=1).values], dim=1)
    return whole[:, :-1], whole[:, 1:]


for step in range(50):
    x, y = make_batch(16)
    logits = model(x)[:, 5:]
    loss = nn.functional.cross_entropy(logits.transpose(1, 2), y[:, 5:])
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    print("loss", step, loss.item(), scheduler.get_last_lr()[0])
model.eval()
with torch.no_grad():
    x, y = make_batch(200)
    print("metric accuracy", (model(x)[:, 5:].argmax(-1) == y[:, 5:]).float().mean().item())
