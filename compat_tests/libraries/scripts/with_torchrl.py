"""TorchRL: environments, buffers and losses of reinforcement learning."""

import logging

import torch
from programs import run_programs
from tensordict import TensorDict
from tensordict.nn import NormalParamExtractor, TensorDictModule
from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer
from torchrl.modules import MLP, ProbabilisticActor, QValueActor, TanhNormal, ValueOperator
from torchrl.objectives import ClipPPOLoss, DQNLoss
from torchrl.objectives.value import GAE


def _transitions(count=8):
    def state():
        return torch.randn(count, 3)

    after = {"observation": state(), "reward": torch.randn(count, 1)}
    done = torch.zeros(count, 1, dtype=torch.bool)
    after |= {"done": done, "terminated": done}
    return TensorDict({"observation": state(), "next": after}, [count])


def buffer():
    kept = TensorDictReplayBuffer(storage=LazyTensorStorage(20), batch_size=4)
    kept.extend(_transitions())
    print(len(kept), kept.sample()["observation"].shape, kept[:2]["next", "reward"])


def clipped_policy():
    network = torch.nn.Sequential(MLP(3, 4, num_cells=[8]), NormalParamExtractor())
    actor = ProbabilisticActor(
        TensorDictModule(network, ["observation"], ["loc", "scale"]),
        in_keys=["loc", "scale"], distribution_class=TanhNormal, return_log_prob=True,
    )  # fmt: skip
    critic = ValueOperator(MLP(3, 1, num_cells=[8]), in_keys=["observation"])
    data = actor(_transitions()).detach()
    GAE(gamma=0.9, lmbda=0.9, value_network=critic)(data)
    loss_of = ClipPPOLoss(actor, critic)
    optimizer = torch.optim.Adam(loss_of.parameters(), lr=0.01)
    for step in range(3):
        found = loss_of(data)
        loss = found["loss_objective"] + found["loss_critic"] + found["loss_entropy"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))


def q_learning():
    actor = QValueActor(
        MLP(3, 2, num_cells=[8]), in_keys=["observation"], spec=None, action_space="one_hot"
    )
    loss_of = DQNLoss(actor, action_space="one_hot", delay_value=True)
    data = actor(_transitions()).detach()
    loss = loss_of(data)["loss"]
    loss.backward()
    print(loss, data["action"])


logging.getLogger("torchrl").setLevel(logging.WARNING)  # it prints times
run_programs()
