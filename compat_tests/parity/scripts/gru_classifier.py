"""Sequences of several lengths, packed, through a bidirectional GRU."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(12, 8, padding_idx=0)
        self.gru = nn.GRU(8, 24, bidirectional=True, batch_first=True)
        self.head = nn.Sequential(nn.LayerNorm(48), nn.Linear(48, 1))

    def forward(self, tokens, lengths):
        packed = pack_padded_sequence(
            self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False
        )
        _, hidden = self.gru(packed)
        return self.head(torch.cat([hidden[0], hidden[1]], dim=1)).squeeze(1)


def make_batch(size):
    """Return sequences of 1 to 11; the label says whether the last is larger than the first."""
    lengths = torch.randint(3, 9, (size,))
    sequences = [torch.randint(1, 12, (int(n),)) for n in lengths]
    labels = torch.tensor([float(s[-1] > s[0]) for s in sequences])
    return pad_sequence(sequences, batch_first=True), lengths, labels


torch.manual_seed(5)
model = Classifier()
optimizer = torch.optim.RMSprop(model.parameters(), lr=5e-3)
criterion = nn.BCEWithLogitsLoss()
for step in range(50):
    tokens, lengths, labels = make_batch(24)
    loss = criterion(model(tokens, lengths), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("loss", step, loss.item())
model.eval()
with torch.no_grad():
    tokens, lengths, labels = make_batch(400)
    print("metric accuracy", ((model(tokens, lengths) > 0) == (labels > 0)).float().mean().item())
