"""Everything that has a printed form."""

import math

import torch
from torch import nn

print(torch.tensor(3), torch.tensor(3.0), torch.tensor(True), torch.tensor(1 + 2j))
print(torch.tensor([]), torch.empty(0, 3), torch.empty(2, 0, dtype=torch.int32))
print(torch.tensor([1.0, 2.0]), torch.tensor([1.5, 2.0]), torch.tensor([1e-8, 1.0]))
print(torch.tensor([1e10, 1.0]), torch.tensor([1e5, 1e-5]), torch.tensor([123456.0, 1.25]))
print(torch.tensor([math.nan, math.inf, -math.inf, 1.0]), torch.tensor([math.nan]))
print(torch.tensor([-0.0, 0.0]), torch.tensor([0.1, -0.1]), torch.tensor([-1, 20, 300]))
print(torch.tensor([1.5, -2.25 + 1j]), torch.tensor([1j], dtype=torch.complex128))
for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.uint8, torch.bool):
    print(torch.tensor([[1, 0], [2, 3]], dtype=dtype))
print(torch.arange(30).view(5, 6))
print(torch.zeros(2, 2, 2))
print(torch.arange(2000), torch.arange(3000).view(3, 1000))
print(torch.linspace(0, 1, 1001))
print(torch.eye(3, requires_grad=True), torch.ones(2, requires_grad=True) * 2)
print(torch.arange(100.0) * 1000)
print(torch.full((2, 9), 0.123456789))
print([torch.tensor(1), torch.tensor([2.5])], {"a": torch.ones(1)}, (torch.zeros(1),))
print(f"{torch.tensor(3.14159):.2f} {torch.tensor(7):>4} {torch.tensor([1.0])}")
print(repr(torch.float32), torch.device("cuda", 1), torch.Size([2, 3]), torch.strided)
print(torch.finfo(torch.float32))
print(torch.iinfo(torch.int8), torch.finfo(torch.bfloat16).eps)

torch.set_printoptions(precision=2, sci_mode=True)
print(torch.tensor([1.23456, 100.0]))
torch.set_printoptions(profile="default")
torch.set_printoptions(threshold=5, edgeitems=1, linewidth=40)
print(torch.arange(10), torch.arange(16.0).view(4, 4))
torch.set_printoptions(profile="default")
print(torch.tensor([1.23456, 100.0]))

print(nn.Parameter(torch.tensor([1.0, 2.0])))
model = nn.Sequential(
    nn.Conv2d(1, 8, kernel_size=3, padding=1, bias=False),
    nn.BatchNorm2d(8),
    nn.ReLU(inplace=True),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Dropout(0.25),
    nn.ModuleDict({"head": nn.Linear(8, 2)})["head"],
)
print(model)
print(nn.LSTM(3, 4, num_layers=2, batch_first=True), nn.Embedding(5, 3, padding_idx=0))
print(nn.LayerNorm(4), nn.GELU(), nn.Softmax(dim=1), nn.CrossEntropyLoss(), nn.ModuleList([]))
print(torch.optim.SGD([torch.ones(1)], lr=0.1, momentum=0.9))
print(torch.max(torch.tensor([[1, 5], [7, 2]]), dim=1))
print(torch.ones(2).type(), torch.ones(2).dtype, torch.LongTensor([1]), torch.Tensor(2, 0))
