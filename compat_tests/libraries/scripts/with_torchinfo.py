"""torchinfo: tables of what a model consists of."""

import torch
from programs import run_programs
from torch import nn
from torchinfo import summary


def convolutions():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
    summary(model, (2, 3, 8, 8), verbose=1)
    columns = ("input_size", "output_size", "num_params", "kernel_size", "mult_adds", "trainable")
    summary(model, input_data=torch.zeros(1, 3, 8, 8), col_names=columns, verbose=1)


def recurrent():
    summary(nn.LSTM(4, 5, 2), (7, 2, 4), verbose=1)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    found = summary(nn.TransformerEncoder(layer, 2), (1, 5, 8), depth=4, verbose=0)
    print(found, found.total_params, found.total_mult_adds)


run_programs()
