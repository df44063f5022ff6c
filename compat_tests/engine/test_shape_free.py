"""Operators that were seen with two sizes are traced for no other, nor are their gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest

import jtorch as torch
from compat_tests.engine.test_interpreter import run_under
from jtorch._engine.interpreter import steps
from jtorch.nn import functional as F


class Sizes:
    """Sizes that are all different and all larger from turn to turn, by the letters in shapes."""

    def __init__(self, turn: int, fixed: str = ""):
        self.B, self.T, self.C = 5 + 2 * turn, 6 + 4 * turn, 8 + 8 * turn
        self.H, self.W, self.E = 25 + 6 * turn, 26 + 6 * turn, 12 + 8 * turn
        for letter in fixed:
            setattr(self, letter, getattr(Sizes(0), letter))
        self.G, self.R = 4 * self.C, 3 * self.C


def made(sizes, text):
    """Return a tensor by a text such as ``"BTC"``: floats, and leaves.

    ``"c:BT"`` are floats without gradient, ``"n:BT"`` of both signs, ``"m:BT"`` a mask,
    ``"i:BT<C"`` positions below ``C``.
    """
    kind, _, rest = text.rpartition(":")
    letters, _, bound = rest.partition("<")
    shape = [getattr(sizes, each) if each.isalpha() else int(each) for each in letters]
    if kind == "i":
        return torch.randint(0, getattr(sizes, bound), shape)
    if kind == "m":
        return torch.rand(shape) > 0.5
    x = torch.rand(shape) + 0.1
    if kind == "n":
        x = x - 0.6
    return x if kind == "c" else x.detach().requires_grad_()


def unary(function, shape="BTC"):
    return (lambda s, x: function(x)), shape


def binary(function, shapes="BTC BTC"):
    return (lambda s, x, y: function(x, y)), shapes


def written(x, at, value):
    y = x.clone()
    y[at] = value
    return y


ELEMENTWISE = (
    *("neg", "abs", "exp", "log", "sqrt", "rsqrt", "sin", "cos", "tanh", "sigmoid", "square"),
    *("reciprocal", "log1p", "erf", "floor", "round", "sign", "relu", "clone", "tril", "triu"),
    *("isnan", "zeros_like", "ones_like", "rand_like", "randn_like"),
)
ACTIVATIONS = (
    *("elu", "gelu", "silu", "mish", "softplus", "hardtanh", "leaky_relu", "logsigmoid", "glu"),
    "normalize",
)

CASES = {
    **{name: unary(lambda x, name=name: getattr(torch, name)(x)) for name in ELEMENTWISE},
    **{
        f"F.{name}": unary(lambda x, name=name: getattr(F, name)(x), "n:BTC")
        for name in ACTIVATIONS
    },
}

CASES.update(
    {
        "add": binary(lambda x, y: x + y),
        "sub": binary(lambda x, y: x - y),
        "mul": binary(lambda x, y: x * y),
        "div": binary(lambda x, y: x / y),
        "add broadcast": binary(lambda x, y: x + y, "BTC C"),
        "mul broadcast": binary(lambda x, y: x * y, "BTC BT1"),
        "sub broadcast": binary(lambda x, y: x - y, "BTC TC"),
        "div broadcast": binary(lambda x, y: x / y, "BTC B11"),
        "add number": unary(lambda x: x + 1.5),
        "mul number": unary(lambda x: x * 2),
        "rsub": unary(lambda x: 1 - x),
        "div number": unary(lambda x: x / 3),
        "add alpha": binary(lambda x, y: torch.add(x, y, alpha=2)),
        "pow 2": unary(lambda x: x**2),
        "pow 3": unary(lambda x: x**3),
        "pow .5": unary(lambda x: x**0.5),
        "maximum": binary(torch.maximum),
        "minimum": binary(torch.minimum),
        "lerp": ((lambda s, x, y: torch.lerp(x, y, 0.3)), "BTC BTC"),
        "addcmul": ((lambda s, x, y, z: torch.addcmul(x, y, z, value=2)), "BC BC BC"),
        "addcdiv": ((lambda s, x, y, z: torch.addcdiv(x, y, z)), "BC BC BC"),
        "gt": unary(lambda x: x > 0.5),
        "eq": binary(lambda x, y: x == y),
        "clamp": unary(lambda x: x.clamp(0.2, 0.8)),
        "clamp min": unary(lambda x: x.clamp(min=0.2)),
        "where": ((lambda s, m, x, y: torch.where(m, x, y)), "m:BC BC BC"),
        "where number": ((lambda s, m, x: torch.where(m, x, 0.0)), "m:BC BC"),
        "masked_fill": ((lambda s, m, x: x.masked_fill(m, -math.inf)), "m:TT BTT"),
        "masked_fill broadcast": ((lambda s, m, x: x.masked_fill(m, 0)), "m:BT1 BTC"),
        "sum": unary(lambda x: x.sum()),
        "sum dim": unary(lambda x: x.sum(1)),
        "sum -1": unary(lambda x: x.sum(-1)),
        "sum 0": unary(lambda x: x.sum(0)),
        "sum keep": unary(lambda x: x.sum(-1, keepdim=True)),
        "sum dims": unary(lambda x: x.sum((0, 1))),
        "mean": unary(lambda x: x.mean()),
        "mean dim": unary(lambda x: x.mean(1)),
        "mean -1 keep": unary(lambda x: x.mean(-1, keepdim=True)),
        "mean dims": unary(lambda x: x.mean((0, 2))),
        "var dim": unary(lambda x: x.var(-1, keepdim=True)),
        "std dim": unary(lambda x: x.std(0)),
        "var biased": unary(lambda x: x.var(-1, unbiased=False)),
        "max": unary(lambda x: x.max()),
        "max dim": unary(lambda x: x.max(1)[0]),
        "amax": unary(lambda x: x.amax(-1)),
        "argmax": unary(lambda x: x.argmax(-1)),
        "all": ((lambda s, m: m.all()), "m:BT"),
        "logsumexp": unary(lambda x: x.logsumexp(-1)),
        "norm": unary(lambda x: x.norm()),
        "norm dim": unary(lambda x: x.norm(dim=-1)),
        "cumsum": unary(lambda x: x.cumsum(1)),
        "argsort": unary(lambda x: x.argsort(1)),
        "topk": unary(lambda x: x.topk(3, -1)[0]),
        "matmul": binary(lambda x, y: x @ y, "BT TC"),
        "mm": binary(torch.mm, "BT TC"),
        "bmm": binary(torch.bmm, "BTC BCE"),
        "matmul vec": binary(lambda x, y: x @ y, "BT T"),
        "dot": binary(torch.dot, "T T"),
        "matmul 3 2": binary(lambda x, y: x @ y, "BTC CE"),
        "matmul 4": binary(lambda x, y: x @ y, "B2TC B2CE"),
        "addmm": ((lambda s, a, x, y: torch.addmm(a, x, y)), "C BT TC"),
        "linear": ((lambda s, x, w, b: F.linear(x, w, b)), "BT CT C"),
        "linear 3": ((lambda s, x, w, b: F.linear(x, w, b)), "BTC EC E"),
        "linear no bias": ((lambda s, x, w: F.linear(x, w)), "BTC EC"),
        "einsum": binary(lambda x, y: torch.einsum("btc,bce->bte", x, y), "BTC BCE"),
        "cdist": binary(torch.cdist, "BC TC"),
        "softmax": unary(lambda x: F.softmax(x, -1)),
        "softmax 1": unary(lambda x: x.softmax(1)),
        "log_softmax": unary(lambda x: F.log_softmax(x, -1)),
        "log_softmax 1": unary(lambda x: x.log_softmax(1)),
        "layer_norm": ((lambda s, x, w, b: F.layer_norm(x, (s.C,), w, b)), "BTC C C"),
        "layer_norm plain": ((lambda s, x: F.layer_norm(x, (s.C,))), "BTC"),
        "rms_norm": ((lambda s, x, w: F.rms_norm(x, (s.C,), w)), "BTC C"),
        "instance_norm": unary(lambda x: F.instance_norm(x), "BCT"),
        "batch_norm train": (
            (lambda s, x, w, b, m, v: F.batch_norm(x, m, v, w, b, True)),
            "BCT C C c:C c:C",
        ),
        "batch_norm 2d train": (
            (lambda s, x, w, b, m, v: F.batch_norm(x, m, v, w, b, True)),
            "BCHW C C c:C c:C",
        ),
        "batch_norm eval": (
            (lambda s, x, w, b, m, v: F.batch_norm(x, m, v, w, b)),
            "BCT C C c:C c:C",
        ),
        "cosine_similarity": binary(lambda x, y: F.cosine_similarity(x, y, -1)),
        "cross_entropy": ((lambda s, x, y: F.cross_entropy(x, y)), "BC i:B<C"),
        "cross_entropy smooth": (
            (lambda s, x, y: F.cross_entropy(x, y, label_smoothing=0.1)),
            "BC i:B<C",
        ),
        "cross_entropy 3": ((lambda s, x, y: F.cross_entropy(x, y)), "BCT i:BT<C"),
        "cross_entropy prob": ((lambda s, x, y: F.cross_entropy(x, y)), "BC c:BC"),
        "cross_entropy ignore": (
            (lambda s, x, y: F.cross_entropy(x, y, ignore_index=0)),
            "BC i:B<C",
        ),
        "nll_loss": ((lambda s, x, y: F.nll_loss(x, y)), "BC i:B<C"),
        "mse_loss": binary(F.mse_loss),
        "l1_loss": binary(F.l1_loss),
        "smooth_l1": binary(F.smooth_l1_loss),
        "bce": ((lambda s, x, y: F.binary_cross_entropy(x * 0.5, y * 0.5)), "BC c:BC"),
        "bce logits": ((lambda s, x, y: F.binary_cross_entropy_with_logits(x, y)), "n:BC c:BC"),
        "embedding": ((lambda s, i, w: F.embedding(i, w)), "i:BT<E EC"),
        "embedding 1": ((lambda s, i, w: F.embedding(i, w)), "i:T<E EC"),
        "embedding pad": ((lambda s, i, w: F.embedding(i, w, padding_idx=0)), "i:BT<E EC"),
        "one_hot": ((lambda s, i: F.one_hot(i, s.E)), "i:BT<E"),
        "cat": binary(lambda x, y: torch.cat([x, y]), "BC TC"),
        "cat 1": binary(lambda x, y: torch.cat([x, y], 1), "BT BC"),
        "cat 3": ((lambda s, x, y, z: torch.cat([x, y, z], -1)), "BT BC BE"),
        "cat token": binary(lambda x, y: torch.cat([x, y], 1), "BT B1"),
        "stack": binary(lambda x, y: torch.stack([x, y])),
        "stack 1": binary(lambda x, y: torch.stack([x, y], 1)),
        "stack scalars": ((lambda s, x: torch.stack([x.sum(), x.mean()])), "B"),
        "chunk": unary(lambda x: sum(x.chunk(2, -1))),
        "split": unary(lambda x: x.split(3, -1)[1]),
        "unbind": unary(lambda x: x[:3].unbind()[1]),
        "select": unary(lambda x: x[1]),
        "select neg": unary(lambda x: x[:, -1]),
        "slice": unary(lambda x: x[1:]),
        "slice step": unary(lambda x: x[:, ::2]),
        "slice neg": unary(lambda x: x[:, -3:]),
        "slice grow": ((lambda s, x: x[: s.B - 1]), "BTC"),
        "ellipsis": unary(lambda x: x[..., 0]),
        "none": unary(lambda x: x[:, None]),
        "narrow": unary(lambda x: x.narrow(1, 1, 3)),
        "index": ((lambda s, x, i: x[i]), "BTC i:E<B"),
        "index 2": ((lambda s, x, i, j: x[i, j]), "BTC i:E<B i:E<T"),
        "index col": ((lambda s, x, i: x[:, i]), "BTC i:E<T"),
        "index arange": ((lambda s, x, i: x[torch.arange(s.B), i]), "BC i:B<C"),
        "index_put": ((lambda s, x, i, y: x.clone().index_put((i,), y)), "BTC i:E<B ETC"),
        "setitem": ((lambda s, x: written(x, 0, 0)), "BTC"),
        "setitem slice": ((lambda s, x: written(x, slice(1, 3), 2.0)), "BTC"),
        "gather": ((lambda s, x, i: x.gather(1, i)), "BC i:BT<C"),
        "gather 1": ((lambda s, x, i: x.gather(1, i)), "BC i:B1<C"),
        "index_select": ((lambda s, x, i: x.index_select(0, i)), "BTC i:E<B"),
        "index_select 1": ((lambda s, x, i: x.index_select(1, i)), "BTC i:E<T"),
        "take": ((lambda s, x, i: x.take(i)), "BC i:E<B"),
        "scatter": ((lambda s, x, i, y: x.scatter(1, i, y)), "BC i:BT<C BT"),
        "scatter_add": ((lambda s, x, i, y: x.scatter_add(1, i, y)), "BC i:BT<C BT"),
        "index_add": ((lambda s, x, i, y: x.index_add(0, i, y)), "BC i:E<B EC"),
        "index_copy": ((lambda s, x, i, y: x.index_copy(0, i, y)), "EC i:B<B BC"),
        "view": ((lambda s, x: x.view(s.B * s.T, s.C)), "BTC"),
        "view -1": unary(lambda x: x.view(-1)),
        "view split": ((lambda s, x: x.view(s.B, s.T, 2, s.C // 2)), "BTC"),
        "reshape": ((lambda s, x: x.transpose(0, 1).reshape(s.T, -1)), "BTC"),
        "flatten": unary(lambda x: x.flatten(1)),
        "unflatten": unary(lambda x: x.unflatten(-1, (2, -1))),
        "permute": unary(lambda x: x.permute(2, 0, 1)),
        "transpose": unary(lambda x: x.transpose(1, 2)),
        "t": unary(lambda x: x.t(), "BC"),
        "expand": ((lambda s, x: x.expand(s.B, s.T)), "1T"),
        "expand new": ((lambda s, x: x.expand(s.B, -1, -1)), "TC"),
        "unsqueeze": unary(lambda x: x.unsqueeze(1)),
        "squeeze": unary(lambda x: x.squeeze(1), "B1C"),
        "contiguous": unary(lambda x: x.transpose(0, 1).contiguous()),
        "repeat": unary(lambda x: x.repeat(2, 1, 1)),
        "repeat n": ((lambda s, x: x.repeat(s.B, 1)), "TC"),
        "roll": unary(lambda x: x.roll(1, 0)),
        "flip": unary(lambda x: x.flip(0)),
        "diagonal": unary(lambda x: x.diagonal(), "TT"),
        "unfold": unary(lambda x: x.unfold(1, 3, 1)),
        "F.pad": unary(lambda x: F.pad(x, (1, 2))),
        "pad 2d": unary(lambda x: F.pad(x, (1, 1, 1, 1)), "BCHW"),
        "double": unary(lambda x: x.double()),
        "long": unary(lambda x: x.long()),
        "zeros": ((lambda s: torch.zeros(s.B, s.T)), ""),
        "ones": ((lambda s: torch.ones(s.B, s.T)), ""),
        "arange": ((lambda s: torch.arange(s.T)), ""),
        "tril mask": ((lambda s: torch.tril(torch.ones(s.T, s.T))), ""),
        "randn": ((lambda s: torch.randn(s.B, s.T)), ""),
        "rand": ((lambda s: torch.rand(s.B, s.T)), ""),
        "bernoulli": unary(lambda x: torch.bernoulli(x * 0.5)),
        "normal_": unary(lambda x: torch.empty_like(x).normal_()),
        "dropout": unary(lambda x: F.dropout(x, 0.3)),
        "attention": (
            (lambda s, q, k, v: F.scaled_dot_product_attention(q, k, v)),
            "B2TC B2TC B2TC",
        ),
        "attention causal": (
            (lambda s, q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)),
            "B2TC B2TC B2TC",
        ),
        "attention mask": (
            (lambda s, q, k, v, m: F.scaled_dot_product_attention(q, k, v, m)),
            "B2TC B2TC B2TC m:TT",
        ),
        "attention float mask": (
            (lambda s, q, k, v, m: F.scaled_dot_product_attention(q, k, v, m)),
            "B2TC B2EC B2EC c:TE",
        ),
        "conv1d": ((lambda s, x, w, b: F.conv1d(x, w, b, padding=1)), "BCH EC3 E"),
        "conv2d": ((lambda s, x, w, b: F.conv2d(x, w, b)), "BCHW EC33 E"),
        "conv2d 1": ((lambda s, x, w: F.conv2d(x, w)), "BCHW EC11"),
        "adaptive_avg 1": unary(lambda x: F.adaptive_avg_pool2d(x, 1), "BCHW"),
        "rnn cell": (
            (lambda s, x, h, w, u, b, d: torch.rnn_tanh_cell(x, h, w, u, b, d)),
            "BT BC CT CC C C",
        ),
        "add_": ((lambda s, x, y: x.clone().add_(y)), "BC BC"),
        "mul_": ((lambda s, x: x.clone().mul_(2)), "BC"),
        "masked_fill_": ((lambda s, x, m: x.clone().masked_fill_(m, 0)), "BC m:BC"),
        "detach": unary(lambda x: x.detach() * x),
        "searchsorted": ((lambda s, x, y: torch.searchsorted(x.sort()[0], y)), "c:T c:B"),
        "clip_grad": ((lambda s, x: x * torch.clamp(1.0 / (x.norm() + 1e-6), max=1.0)), "BC"),
    }
)

#: Those that have to know a size, which is the same in all turns: by its letters, and why.
WITH_FIXED_SIZES = {
    "group_norm": (
        ((lambda s, x, w, b: F.group_norm(x, 4, w, b)), "BCT C C"),
        "C",
    ),  # groups divide the channels
    "conv2d stride": (
        ((lambda s, x, w, b: F.conv2d(x, w, b, stride=2, padding=1)), "BCHW EC33 E"),
        "HW",
    ),  # windows are planned
    "conv2d depthwise": (
        ((lambda s, x, w: F.conv2d(x, w, groups=s.C)), "BCHW C133"),
        "C",
    ),  # groups divide the channels
    "max_pool2d": (unary(lambda x: F.max_pool2d(x, 2), "BCHW"), "HW"),  # windows are planned
    "avg_pool2d": (unary(lambda x: F.avg_pool2d(x, 2), "BCHW"), "HW"),  # windows are planned
    "max_pool1d": (unary(lambda x: F.max_pool1d(x, 2), "BCH"), "HW"),  # windows are planned
    "avg_pool1d": (unary(lambda x: F.avg_pool1d(x, 2), "BCH"), "HW"),  # windows are planned
    "lstm cell": (
        (
            (lambda s, x, h, c, w, u, b, d: torch.lstm_cell(x, (h, c), w, u, b, d)[0]),
            "BT BC BC GT GC G G",
        ),
        "C",
    ),  # gates divide the rows of weights
    "gru cell": (
        ((lambda s, x, h, w, u, b, d: torch.gru_cell(x, h, w, u, b, d)), "BT BC RT RC R R"),
        "C",
    ),  # gates divide the rows of weights
    "LSTM": (
        (
            (
                lambda s, x, w, u, b, d: torch.lstm(
                    x,
                    (torch.zeros(1, s.B, s.C), torch.zeros(1, s.B, s.C)),
                    (w, u, b, d),
                    True,
                    1,
                    0.0,
                    True,
                    False,
                    True,
                )[0]
            ),
            "BTE GE GC G G",
        ),
        "CE",
    ),  # gates divide the rows of weights
}


def traced_by(monkeypatch, function, shapes, fixed=""):
    """Return for each of four sizes how often JAX traced, forward and backward."""

    def run():
        traced = []
        for turn in range(4):
            sizes = Sizes(turn, fixed)
            inputs = [made(sizes, text) for text in shapes.split()]
            for each in inputs:
                each.detach().numpy()
            before = untraced()
            out = function(sizes, *inputs)
            array = out.detach().clone().numpy()
            if out.requires_grad:
                cotangent = torch.from_numpy(np.ones_like(array))
                before_filling = untraced()
                cotangent.numpy()
                before += untraced() - before_filling
                out.backward(cotangent)
                for each in inputs:
                    if each.grad is not None:
                        each.grad.numpy()
            traced.append(untraced() - before)
        return traced

    return run_under(monkeypatch, "interpret", run)


def untraced():
    return steps.counts["translated"] - steps.counts["without tracing"]


@pytest.mark.parametrize("name", CASES)
def test_a_third_size_is_not_traced(monkeypatch, name):
    function, shapes = CASES[name]
    assert traced_by(monkeypatch, function, shapes)[2:] == [0, 0]


@pytest.mark.parametrize("name", WITH_FIXED_SIZES)
def test_other_sizes_than_the_one_it_has_to_know_are_not_traced(monkeypatch, name):
    (function, shapes), fixed = WITH_FIXED_SIZES[name]
    assert traced_by(monkeypatch, function, shapes, fixed)[2:] == [0, 0]


def test_the_table_is_long():
    assert len(CASES) >= 150
