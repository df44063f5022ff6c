"""A perceptron with dropout on the digits: shuffled batches, Adam, and a checkpoint on the way."""

import io

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(1)
images, labels = load_digits(return_X_y=True)
data = TensorDataset(torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels))
train, test = random_split(data, [1500, len(data) - 1500])
loader = DataLoader(train, batch_size=64, shuffle=True)

model = nn.Sequential(
    nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 64), nn.GELU(), nn.Linear(64, 10)
)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)


def train_epochs(model, optimizer, scheduler, epochs, step):
    for _ in range(epochs):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            print("loss", step, loss.item())
            step += 1
        scheduler.step()
    return step


step = train_epochs(model, optimizer, scheduler, 1, 0)
checkpoint = io.BytesIO()
torch.save(
    {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "random": torch.get_rng_state(),
    },
    checkpoint,
)
train_epochs(model, optimizer, scheduler, 2, step)

# A second model continues from the checkpoint, and goes the same way.
checkpoint.seek(0)
saved = torch.load(checkpoint)
second = nn.Sequential(
    nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 64), nn.GELU(), nn.Linear(64, 10)
)
print(second.load_state_dict(saved["model"]))
optimizer = torch.optim.Adam(second.parameters())
optimizer.load_state_dict(saved["optimizer"])
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
scheduler.load_state_dict(saved["scheduler"])
torch.set_rng_state(saved["random"])
train_epochs(second, optimizer, scheduler, 2, step)
same = [torch.equal(a, b) for a, b in zip(model.parameters(), second.parameters())]
print("continued identically", all(same))

second.eval()
x, y = test[:]
print("metric accuracy", (second(x).argmax(1) == y).float().mean().item())
