"""Stable-Baselines3: agents that learn to balance a pole."""

import tempfile

import gymnasium
import numpy as np
from programs import run_programs
from stable_baselines3 import A2C, DQN, PPO, SAC


def _learn(kind, environment, steps, **options):
    environment = gymnasium.make(environment)
    model = kind("MlpPolicy", environment, seed=0, device="cpu", **options)
    model.learn(steps)
    observation = np.linspace(-0.1, 0.1, environment.observation_space.shape[0], dtype="float32")
    print(kind.__name__, model.num_timesteps, model.predict(observation, deterministic=True)[0])
    for name, value in list(model.policy.state_dict().items())[:2]:
        print(name, value.flatten()[:4])
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/model")
        again = kind.load(f"{folder}/model", device="cpu")
    print(np.array_equal(again.predict(observation, True)[0], model.predict(observation, True)[0]))


def policy_gradient():
    small = {"net_arch": [8]}
    _learn(PPO, "CartPole-v1", 128, n_steps=64, batch_size=32, n_epochs=2, policy_kwargs=small)
    _learn(A2C, "CartPole-v1", 40, policy_kwargs=small)


def value_functions():
    small = {"net_arch": [8]}
    _learn(DQN, "CartPole-v1", 80, learning_starts=40, batch_size=16, policy_kwargs=small)
    _learn(SAC, "Pendulum-v1", 60, learning_starts=40, batch_size=16, policy_kwargs=small)


run_programs()
