"""PennyLane: circuits of quantum gates with gradients by PyTorch."""

import pennylane
import torch
from programs import run_programs


def circuit():
    @pennylane.qnode(
        pennylane.device("default.qubit", wires=2), interface="torch", diff_method="backprop"
    )
    def run(angles):
        pennylane.RX(angles[0], wires=0)
        pennylane.RY(angles[1], wires=1)
        pennylane.CNOT(wires=[0, 1])
        return pennylane.expval(pennylane.PauliZ(1))

    angles = torch.tensor([0.3, 0.7], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([angles], lr=0.1)
    for step in range(4):
        optimizer.zero_grad()
        value = run(angles)
        value.backward()
        optimizer.step()
        print(step, round(value.item(), 5), angles.grad)


def layer():
    @pennylane.qnode(
        pennylane.device("default.qubit", wires=2), interface="torch", diff_method="backprop"
    )
    def run(inputs, weights):
        pennylane.AngleEmbedding(inputs, wires=range(2))
        pennylane.BasicEntanglerLayers(weights, wires=range(2))
        return [pennylane.expval(pennylane.PauliZ(i)) for i in range(2)]

    model = torch.nn.Sequential(
        torch.nn.Linear(3, 2),
        pennylane.qnn.TorchLayer(run, {"weights": (1, 2)}),
        torch.nn.Linear(2, 1),
    )
    loss = model(torch.randn(3, 3)).square().mean()
    loss.backward()
    print(round(loss.item(), 4), model[1].weights.grad, model[0].weight.grad)


run_programs()
