"""Sequence to sequence with attention, one pair at a time: a sentence becomes its reverse."""

import random

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
random.seed(0)
words, width, start, end = 20, 32, 0, 1


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.gru = nn.GRU(width, width)

    def forward(self, word, hidden):
        return self.gru(self.embedding(word).view(1, 1, -1), hidden)


class AttentionDecoder(nn.Module):
    def __init__(self, longest=12):
        super().__init__()
        self.longest = longest
        self.embedding = nn.Embedding(words, width)
        self.attention = nn.Linear(2 * width, longest)
        self.combine = nn.Linear(2 * width, width)
        self.gru = nn.GRU(width, width)
        self.out = nn.Linear(width, words)

    def forward(self, word, hidden, encoded):
        embedded = self.embedding(word).view(1, 1, -1)
        scores = self.attention(torch.cat((embedded[0], hidden[0]), 1))
        applied = torch.bmm(F.softmax(scores, 1).unsqueeze(0), encoded.unsqueeze(0))
        output = F.relu(self.combine(torch.cat((embedded[0], applied[0]), 1)).unsqueeze(0))
        output, hidden = self.gru(output, hidden)
        return F.log_softmax(self.out(output[0]), 1), hidden


encoder, decoder = Encoder(), AttentionDecoder()
optimisers = [torch.optim.SGD(part.parameters(), lr=0.02) for part in (encoder, decoder)]
criterion = nn.NLLLoss()
total = 0.0
for step in range(1, 161):
    sentence = [random.randrange(2, words) for _ in range(random.randint(3, 9))] + [end]
    target = sentence[-2::-1] + [end]
    hidden = torch.zeros(1, 1, width)
    encoded = torch.zeros(decoder.longest, width)
    for position, word in enumerate(sentence):
        output, hidden = encoder(torch.tensor([word]), hidden)
        encoded[position] = output[0, 0]
    loss = 0
    word, forced = torch.tensor([start]), random.random() < 0.5
    for truth in target:
        output, hidden = decoder(word, hidden, encoded)
        loss = loss + criterion(output, torch.tensor([truth]))
        word = torch.tensor([truth]) if forced else output.topk(1).indices.squeeze(0).detach()
        if word.item() == end:
            break
    for optimiser in optimisers:
        optimiser.zero_grad()
    loss.backward()
    for optimiser in optimisers:
        optimiser.step()
    total += loss.item() / len(target)
    if step % 40 == 0:
        print(f"after {step} pairs: loss of a word {total / 40:.3f}")
        total = 0.0
