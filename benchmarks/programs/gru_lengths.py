"""A GRU over batches of random length, padded and packed, predicts each sequence's mean."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

torch.manual_seed(0)


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 32, batch_first=True)
        self.head = nn.Linear(32, 1)

    def forward(self, padded, lengths):
        packed = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)
        outputs, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True)
        last = outputs[torch.arange(len(lengths)), lengths - 1]
        return self.head(last)[:, 0]


model = Regressor()
optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
losses = []
for step in range(150):
    lengths = torch.randint(1, 60, (8,))
    sequences = [torch.randn(length, 3) for length in lengths.tolist()]
    target = torch.stack([sequence.mean() for sequence in sequences])
    prediction = model(pad_sequence(sequences, batch_first=True), lengths)
    loss = (prediction - target).square().mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    losses.append(loss.item())
    if step % 10 == 0 and step < 50:
        print(f"step {step}: loss {losses[-1]:.4f}")
print(f"mean of the first half {sum(losses[:75]) / 75:.3f}")
print(f"mean of the second half {sum(losses[75:]) / 75:.3f}")
