"""Hamiltonian sampling without U-turns from a logistic regression: many small gradients."""

import math
import random

import torch
from torch.nn import functional as F

torch.manual_seed(0)
random.seed(0)

x = torch.randn(100, 3, dtype=torch.double)
true_weight = torch.tensor([1.0, -2.0, 0.5], dtype=torch.double)
labels = (torch.rand(100, dtype=torch.double) < torch.sigmoid(x @ true_weight)).double()
gradients = 0


def log_density(weight):
    likelihood = -F.binary_cross_entropy_with_logits(x @ weight, labels, reduction="sum")
    return likelihood - 0.5 * weight.square().sum()


def leapfrog(place, momentum, step):
    global gradients
    for half in (0, 1):
        place = place.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(log_density(place), place)
        gradients += 1
        momentum = momentum + 0.5 * step * slope
        if half == 0:
            place = place.detach() + step * momentum
    return place.detach(), momentum


def turned(left, right):
    span = right[0] - left[0]
    return (span @ left[1]).item() < 0 or (span @ right[1]).item() < 0


def build(state, log_slice, direction, depth, step):
    """Return the outermost states, a proposal, how many are valid, and whether to go on."""
    if depth == 0:
        new = leapfrog(*state, direction * step)
        energy = (log_density(new[0]) - 0.5 * new[1].square().sum()).item()
        return new, new, new[0], int(log_slice <= energy), log_slice < energy + 1000
    left, right, proposal, valid, alive = build(state, log_slice, direction, depth - 1, step)
    if alive:
        edge = left if direction < 0 else right
        further = build(edge, log_slice, direction, depth - 1, step)
        left, right = (further[0], right) if direction < 0 else (left, further[1])
        if random.random() * max(1, valid + further[3]) < further[3]:
            proposal = further[2]
        valid, alive = valid + further[3], further[4] and not turned(left, right)
    return left, right, proposal, valid, alive


samples, place = [], torch.zeros(3, dtype=torch.double)
for draw in range(150):
    momentum = torch.randn(3, dtype=torch.double)
    energy = (log_density(place) - 0.5 * momentum.square().sum()).item()
    log_slice = energy + math.log(1.0 - random.random())
    left = right = (place, momentum)
    valid, alive, depth = 1, True, 0
    while alive and depth < 5:
        direction = random.choice((-1, 1))
        tree = build(left if direction < 0 else right, log_slice, direction, depth, 0.15)
        left, right = (tree[0], right) if direction < 0 else (left, tree[1])
        if tree[4] and random.random() < tree[3] / valid:
            place = tree[2]
        valid, alive, depth = valid + tree[3], tree[4] and not turned(left, right), depth + 1
    samples.append(place)
    if draw in (0, 1, 2, 5, 10, 20):
        print(f"draw {draw}:", " ".join(f"{value:.4f}" for value in place.tolist()))
kept = torch.stack(samples[30:])
print(f"roughly gradients: {gradients}")
print(
    "roughly tenths of the mean", " ".join(f"{10 * value:.1f}" for value in kept.mean(0).tolist())
)
