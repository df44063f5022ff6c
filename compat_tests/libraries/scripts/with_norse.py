"""norse: spiking neurons as modules."""

import norse.torch as norse
import torch
from programs import run_programs


def cells():
    for cell in (norse.LIFCell(), norse.LIFRecurrentCell(3, 4), norse.LICell()):
        state = None
        for row in torch.rand(5, 2, 3) * 20:
            out, state = cell(row, state)
        print(type(cell).__name__, out, state.v)


def training():
    model = norse.SequentialState(
        torch.nn.Linear(3, 8), norse.LIFCell(), torch.nn.Linear(8, 2), norse.LICell()
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    x, y = torch.rand(4, 3) * 10, torch.tensor([0, 1, 1, 0])
    for step in range(3):
        state = None
        for _ in range(6):
            out, state = model(x, state)
        loss = torch.nn.functional.cross_entropy(out, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))


run_programs()
