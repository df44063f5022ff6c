"""tensordict: dictionaries that behave as tensors."""

import tempfile

import torch
from programs import run_programs
from tensordict import TensorDict, tensorclass
from tensordict.nn import (
    ProbabilisticTensorDictModule,
    ProbabilisticTensorDictSequential,
    TensorDictModule,
    TensorDictSequential,
)


@tensorclass
class Sample:
    x: torch.Tensor
    y: torch.Tensor


def dictionaries():
    data = TensorDict({"a": torch.randn(3, 4), "b": {"c": torch.arange(3)}}, batch_size=[3])
    print(data, data[1:]["b", "c"], data.reshape(3, 1).shape)
    stacked = torch.stack([data, data + 1], 0)
    print(stacked.batch_size, stacked["a"].mean(), data.flatten_keys().keys())
    data["d"] = torch.ones(3)
    print(
        sorted(map(str, data.keys(True, True))),
        data.apply(lambda t: t * 2)["d"],
        data.split(2)[1].shape,
    )
    with tempfile.TemporaryDirectory() as folder:
        torch.save(data, f"{folder}/data.pt")
        print((torch.load(f"{folder}/data.pt", weights_only=False) == data).all())


def modules():
    first = TensorDictModule(torch.nn.Linear(4, 3), ["x"], ["hidden"])
    second = TensorDictModule(torch.nn.Tanh(), ["hidden"], ["loc"])
    chain = TensorDictSequential(first, second)
    data = TensorDict({"x": torch.randn(5, 4)}, [5])
    print(chain(data)["loc"])
    policy = ProbabilisticTensorDictSequential(
        chain,
        TensorDictModule(lambda loc: loc.exp(), ["loc"], ["scale"]),
        ProbabilisticTensorDictModule(
            ["loc", "scale"], ["action"], distribution_class=torch.distributions.Normal
        ),
    )
    print(policy(data.clone())["action"], policy.get_dist(data).mean[0])
    parameters = TensorDict.from_module(chain)
    with parameters.apply(lambda p: p * 0).to_module(chain):
        print(chain(data.clone())["loc"][0])


def classes():
    rows = Sample(x=torch.randn(4, 2), y=torch.arange(4), batch_size=[4])
    print(rows, rows[2].y, torch.cat([rows, rows]).shape, rows.to_tensordict().sum()["y"])


run_programs()
