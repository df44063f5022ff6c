"""A bidirectional LSTM under a conditional random field tags made-up sentences, one at a time."""

import random

import torch
from torch import nn

torch.manual_seed(0)
random.seed(0)
tags, words = 5, 40
start, stop = tags, tags + 1


def sentence():
    """Return words and tags: a tag follows from the word and the tag before it."""
    chosen = [random.randrange(words) for _ in range(random.randint(4, 14))]
    labels, last = [], 0
    for word in chosen:
        last = (word + last) % tags if word % 3 else word % tags
        labels.append(last)
    return torch.tensor(chosen), torch.tensor(labels)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(words, 16)
        self.lstm = nn.LSTM(16, 16, bidirectional=True)
        self.head = nn.Linear(32, tags + 2)
        self.transitions = nn.Parameter(torch.randn(tags + 2, tags + 2))
        self.transitions.data[start, :] = -10000
        self.transitions.data[:, stop] = -10000

    def scores(self, x):
        return self.head(self.lstm(self.embedding(x)[:, None])[0][:, 0])

    def partition(self, scores):
        forward = torch.full((tags + 2,), -10000.0)
        forward[start] = 0.0
        for score in scores:
            forward = torch.logsumexp(forward + self.transitions, 1) + score
        return torch.logsumexp(forward + self.transitions[stop], 0)

    def path(self, scores, labels):
        before = torch.cat([torch.tensor([start]), labels])
        total = self.transitions[stop, before[-1]]
        for i, score in enumerate(scores):
            total = total + self.transitions[labels[i], before[i]] + score[labels[i]]
        return total

    def best(self, scores):
        forward = torch.full((tags + 2,), -10000.0)
        forward[start] = 0.0
        back = []
        for score in scores:
            values, indices = (forward + self.transitions).max(1)
            back.append(indices)
            forward = values + score
        tag = (forward + self.transitions[stop]).argmax().item()
        found = [tag]
        for indices in reversed(back[1:]):
            tag = indices[tag].item()
            found.append(tag)
        return found[::-1]


model = Tagger()
optimiser = torch.optim.SGD(model.parameters(), lr=0.02, weight_decay=1e-4)
data = [sentence() for _ in range(40)]
for epoch in range(4):
    total = 0.0
    for x, labels in data:
        model.zero_grad()
        scores = model.scores(x)
        loss = model.partition(scores) - model.path(scores, labels)
        loss.backward()
        optimiser.step()
        total += loss.item()
    print(f"epoch {epoch}: loss of a sentence {total / len(data):.3f}")
with torch.no_grad():
    pairs = [(a, b) for x, y in data for a, b in zip(model.best(model.scores(x)), y.tolist())]
print(f"roughly right of a hundred: {100 * sum(a == b for a, b in pairs) / len(pairs):.0f}")
