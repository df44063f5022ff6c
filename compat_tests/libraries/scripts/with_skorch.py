"""A network as a classifier of scikit-learn."""

import numpy as np
import torch
from skorch import NeuralNetClassifier
from torch import nn


class Network(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(5, width), nn.ReLU(), nn.Linear(width, 2))

    def forward(self, x):
        return self.layers(x)


torch.manual_seed(0)
x = np.random.RandomState(0).randn(100, 5).astype("float32")
y = (x.sum(1) > 0).astype("int64")
network = NeuralNetClassifier(
    Network,
    criterion=nn.CrossEntropyLoss,
    max_epochs=3,
    lr=0.1,
    iterator_train__shuffle=True,
    verbose=0,
)
network.fit(x, y)
for epoch in network.history:
    print(round(float(epoch["train_loss"]), 4), round(float(epoch["valid_loss"]), 4))
print(network.predict(x)[:10], (network.predict(x) == y).mean())
