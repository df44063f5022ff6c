"""A model of the next letter from three, and words sampled from it (Bengio et al., 2003)."""

import torch
import torch.nn.functional as F

NAMES = (
    "anna bertram clara dorothea emil friedrich greta heinrich ida jakob karla ludwig marta "
    "nikolaus ottilie paula quirin rosa siegfried thekla ulrich viktor wilhelmine xaver yvonne "
    "zacharias albert bruno cornelia dietrich elsa ferdinand gustav helene irma johanna konrad "
    "leonore magda norbert oskar philipp ruth sophie theodor ursula valentin walter"
)
WORDS = NAMES.split()

torch.manual_seed(9)
letters = ["."] + sorted(set("".join(WORDS)))
number = {letter: place for place, letter in enumerate(letters)}
contexts, nexts = [], []
for word in WORDS:
    context = [0, 0, 0]
    for letter in word + ".":
        contexts.append(context)
        nexts.append(number[letter])
        context = context[1:] + [number[letter]]
X, Y = torch.tensor(contexts), torch.tensor(nexts)

generator = torch.Generator().manual_seed(42)
C = torch.randn((len(letters), 6), generator=generator)
W1 = torch.randn((18, 40), generator=generator) * (5 / 3) / 18**0.5
b1 = torch.randn(40, generator=generator) * 0.01
W2 = torch.randn((40, len(letters)), generator=generator) * 0.01
b2 = torch.zeros(len(letters))
parameters = [C, W1, b1, W2, b2]
for p in parameters:
    p.requires_grad = True
for step in range(60):
    batch = torch.randint(0, X.shape[0], (32,), generator=generator)
    hidden = torch.tanh(C[X[batch]].view(-1, 18) @ W1 + b1)
    loss = F.cross_entropy(hidden @ W2 + b2, Y[batch])
    for p in parameters:
        p.grad = None
    loss.backward()
    for p in parameters:
        p.data += -0.3 * p.grad
    print("loss", step, loss.item())

with torch.no_grad():
    for _ in range(8):
        word, context = [], [0, 0, 0]
        while len(word) < 15:
            hidden = torch.tanh(C[torch.tensor([context])].view(1, -1) @ W1 + b1)
            chances = F.softmax(hidden @ W2 + b2, dim=1)
            drawn = torch.multinomial(chances, 1, generator=generator).item()
            context = context[1:] + [drawn]
            if drawn == 0:
                break
            word.append(letters[drawn])
        print("".join(word))
    hidden = torch.tanh(C[X].view(-1, 18) @ W1 + b1)
    print("metric loss", F.cross_entropy(hidden @ W2 + b2, Y).item())
