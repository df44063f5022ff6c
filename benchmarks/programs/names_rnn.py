"""A character RNN tells made-up names of three languages apart, one name at a time."""

import random

import torch
from torch import nn

torch.manual_seed(0)
random.seed(0)
letters = "abcdefghijklmnopqrstuvwxyz"
languages = {
    "northern": ("kstrvn", "aeiou"),
    "southern": ("lmnrpt", "aeo"),
    "eastern": ("shkzyj", "iu"),
}


def made_up_name(language):
    consonants, vowels = languages[language]
    syllables = [
        random.choice(consonants) + random.choice(vowels) for _ in range(random.randint(2, 5))
    ]
    return "".join(syllables) + random.choice(["", random.choice(consonants)])


def to_tensor(name):
    tensor = torch.zeros(len(name), 1, len(letters))
    for position, letter in enumerate(name):
        tensor[position][0][letters.index(letter)] = 1
    return tensor


class RNN(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.hidden = hidden
        self.i2h = nn.Linear(len(letters) + hidden, hidden)
        self.i2o = nn.Linear(hidden, len(languages))

    def forward(self, letter, hidden):
        hidden = torch.tanh(self.i2h(torch.cat((letter, hidden), 1)))
        return torch.log_softmax(self.i2o(hidden), 1), hidden


rnn = RNN()
criterion = nn.NLLLoss()
names = list(languages)
total, right = 0.0, 0
for step in range(1, 1201):
    label = random.randrange(len(names))
    word = to_tensor(made_up_name(names[label]))
    hidden = torch.zeros(1, rnn.hidden)
    rnn.zero_grad()
    for position in range(word.size(0)):
        output, hidden = rnn(word[position], hidden)
    loss = criterion(output, torch.tensor([label]))
    loss.backward()
    for parameter in rnn.parameters():
        parameter.data.add_(parameter.grad.data, alpha=-0.02)
    total += loss.item()
    right += output.argmax(1).item() == label
    if step % 200 == 0:
        print(f"after {step} names: loss {total / 200:.3f}")
        print(f"roughly right of 200: {right}")
        total, right = 0.0, 0
