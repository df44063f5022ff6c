"""Tables of what a model consists of."""

import torch
from torch import nn
from torchinfo import summary

torch.manual_seed(0)
model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
summary(model, (2, 3, 8, 8), verbose=1)
summary(nn.LSTM(4, 5, 2), (7, 2, 4), verbose=1)
