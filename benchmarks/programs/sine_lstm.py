"""Two LSTM cells unrolled by hand over a thousand steps learn to continue sines, by LBFGS."""

import torch
from torch import nn

torch.manual_seed(0)

phases = torch.randint(-80, 80, (8, 1))
data = torch.sin((torch.arange(1000) + phases) / 20).double()


class Sequence(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm1 = nn.LSTMCell(1, 24)
        self.lstm2 = nn.LSTMCell(24, 24)
        self.linear = nn.Linear(24, 1)

    def forward(self, x, future=0):
        outputs = []
        h = torch.zeros(x.size(0), 24, dtype=torch.double)
        c = torch.zeros(x.size(0), 24, dtype=torch.double)
        h2 = torch.zeros(x.size(0), 24, dtype=torch.double)
        c2 = torch.zeros(x.size(0), 24, dtype=torch.double)
        for step in x.split(1, dim=1):
            h, c = self.lstm1(step, (h, c))
            h2, c2 = self.lstm2(h, (h2, c2))
            output = self.linear(h2)
            outputs += [output]
        for _ in range(future):
            h, c = self.lstm1(output, (h, c))
            h2, c2 = self.lstm2(h, (h2, c2))
            output = self.linear(h2)
            outputs += [output]
        return torch.cat(outputs, dim=1)


model = Sequence().double()
criterion = nn.MSELoss()
inputs, target = data[2:, :-1], data[2:, 1:]
optimiser = torch.optim.LBFGS(model.parameters(), lr=0.8, max_iter=4)
for _step in range(2):

    def closure():
        optimiser.zero_grad()
        loss = criterion(model(inputs), target)
        print(f"loss {loss.item():.5f}")
        loss.backward()
        return loss

    optimiser.step(closure)
with torch.no_grad():
    prediction = model(data[:2, :-1], future=100)
    test_loss = criterion(prediction[:, :-100], data[:2, 1:])
    print(f"test loss {test_loss.item():.5f}")
    print("continued", " ".join(f"{value:.4f}" for value in prediction[0, -100::25].tolist()))
