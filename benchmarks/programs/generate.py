"""Generate 200 tokens from a 4-layer GPT; the argument: whole, cached, sampled or beam."""

import math
import sys

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
way = sys.argv[1]
words, width, heads, longest = 65, 128, 4, 256


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x, cache=None):
        batch, length, _ = x.shape
        q, k, v = (
            part.view(batch, length, heads, width // heads).transpose(1, 2)
            for part in self.qkv(self.ln1(x)).split(width, 2)
        )
        if cache is not None:
            k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
        scores = q @ k.transpose(-2, -1) / math.sqrt(width // heads)
        if cache is None:
            mask = torch.tril(torch.ones(length, length)).bool()
            scores = scores.masked_fill(~mask, float("-inf"))
        y = (F.softmax(scores, -1) @ v).transpose(1, 2).reshape(batch, length, width)
        x = x + self.proj(y)
        return x + self.mlp(self.ln2(x)), (k, v)


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(words, width), nn.Embedding(longest, width)
        self.blocks = nn.ModuleList([Block() for _ in range(4)])
        self.ln = nn.LayerNorm(width)
        self.head = nn.Linear(width, words, bias=False)

    def forward(self, index, caches=None):
        past = 0 if caches is None else caches[0][0].shape[2]
        places = torch.arange(past, past + index.shape[1])
        x = self.tokens(index) + self.positions(places)
        kept = []
        for i, block in enumerate(self.blocks):
            x, cache = block(x, None if caches is None else caches[i])
            kept.append(cache)
        return 4 * self.head(self.ln(x))[:, -1], kept


def beam_search(model, index, beams, steps):
    scores = torch.zeros(1)
    for _ in range(steps):
        logs = F.log_softmax(model(index)[0], -1) + scores[:, None]
        scores, best = logs.flatten().topk(beams)
        index = torch.cat([index[best // words], (best % words)[:, None]], 1)
    return index[:1], scores[0].item()


model = GPT().eval()
index = torch.randint(0, words, (1, 4))
logits, caches = torch.zeros(1), None
with torch.no_grad():
    if way == "beam":
        index, score = beam_search(model, index, 3, 100)
        print(f"score {score:.3f}")
    else:
        for step in range(200):
            if way == "cached" and step:
                logits, caches = model(index[:, -1:], caches)
            else:
                logits, caches = model(index)
            if way == "sampled":
                kept = logits.topk(20)
                chances = F.softmax(kept.values / 0.9, -1)
                following = kept.indices.gather(1, torch.multinomial(chances, 1))
            else:
                following = logits.argmax(-1, keepdim=True)
            index = torch.cat([index, following], 1)
        print(f"last logits {logits.mean().item():.4f} {logits.std().item():.4f}")
print("tokens", index[0, :40].tolist())
print(f"roughly different ones of the rest: {len(set(index[0, 40:].tolist()))}")
