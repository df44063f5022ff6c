"""A character model with an LSTM, state carried from batch to batch, gradients clipped."""

import torch
from torch import nn

TEXT = (
    """the sun was low and the long shadows of the poplars lay across the road. a cart came down
from the mill, and the carter walked beside it with his hand on the shaft. he did not look up. the
dog ran before him, then behind him, then before him again, as if the road were twice as long for a
dog as for a man. at the bridge he stopped and let the horse drink. """
    * 3
)


class Model(nn.Module):
    def __init__(self, symbols, width=48):
        super().__init__()
        self.embedding = nn.Embedding(symbols, 16)
        self.lstm = nn.LSTM(16, width, num_layers=2, dropout=0.1, batch_first=True)
        self.head = nn.Linear(width, symbols)

    def forward(self, x, state=None):
        out, state = self.lstm(self.embedding(x), state)
        return self.head(out), state


torch.manual_seed(4)
symbols = sorted(set(TEXT))
codes = torch.tensor([symbols.index(c) for c in TEXT])
batch, length = 8, 16
rows = codes[: len(codes) // batch * batch].view(batch, -1)
model = Model(len(symbols))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
state = None
for step in range(50):
    start = step * length % (rows.size(1) - length - 1)
    x, y = rows[:, start : start + length], rows[:, start + 1 : start + length + 1]
    if state is not None:
        state = tuple(s.detach() for s in state)
    logits, state = model(x, state)
    loss = nn.functional.cross_entropy(logits.reshape(-1, len(symbols)), y.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    optimizer.step()
    print("loss", step, loss.item(), norm.item())
print("metric perplexity", loss.exp().item())
