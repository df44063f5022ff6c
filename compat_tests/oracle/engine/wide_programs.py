"""Random programs of everything that shares memory or takes gradients, under both libraries.

A program is a list of steps on a growing pool of tensors, all of it drawn from one seed. What every
step gives or raises, and what can be seen of every tensor at the end, is written down under PyTorch
and under jtorch. A difference is *hard* where a program would compute something else (elements,
dtypes, sizes, gradients, what requires them, whether something is refused), else it is one of form.

    JTORCH_EXECUTION=interpret python -m compat_tests.oracle.engine.wide_programs 0 3000
"""

from __future__ import annotations

import copy
import random
import re
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import Any

#: Action, two tensors (numbers in the pool), and a small parameter.
Step = tuple[str, int, int, int]
Action = Callable[[Any, Any, Any, int], Any]

# Few sizes, so that shapes often fit; halves, so that sums and products are exact in float32.
SHAPES = [(4,), (2, 3), (3, 2), (2, 2, 3), (1, 4), ()]
NUMBERS = [-2.0, -0.5, 0.0, 0.5, 1.0, 3.0]


def make_leaf(t: Any, n: int) -> Any:
    """Return a new tensor; every other one requires grad."""
    shape = SHAPES[n % len(SHAPES)]
    values = (t.arange(float(t.Size(shape).numel())) - 2) / 2
    return values.reshape(shape).clone().requires_grad_(n % 2 == 0)


def dimension(x: Any, n: int) -> int:
    """Return one of a tensor's dimensions."""
    return n % max(x.dim(), 1)


def without_grad(t: Any, do: Callable[[], Any]) -> Any:
    """Call a function without grad mode."""
    with t.no_grad():
        return do()


def write_by_numpy(x: Any, n: int) -> None:
    """Write to a tensor's memory by NumPy, which no version counter sees."""
    x.detach().numpy()[...] += NUMBERS[n % 6]


def set_data(x: Any, y: Any) -> None:
    """Give a tensor the elements of another one as its memory."""
    x.data = y.detach().reshape(x.shape).clone()


def in_thread(do: Callable[[], Any]) -> None:
    """Call a function in another thread and raise what it raises."""
    raised: list[BaseException] = []

    def guarded() -> None:
        try:
            do()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


VIEWS: dict[str, Action] = {
    "transpose": lambda t, x, y, n: x.transpose(0, -1),
    "permute": lambda t, x, y, n: x.permute(*reversed(range(x.dim()))),
    "select": lambda t, x, y, n: x.select(dimension(x, n), n % 2),
    "slice": lambda t, x, y, n: x[n % 3 :: 1 + n % 2],
    "narrow": lambda t, x, y, n: x.narrow(dimension(x, n), n % 2, 1),
    "unsqueeze": lambda t, x, y, n: x.unsqueeze(n % (x.dim() + 1)),
    "squeeze": lambda t, x, y, n: x.squeeze(),
    "flatten": lambda t, x, y, n: x.view(-1),
    "reshape": lambda t, x, y, n: x.reshape(-1, 2) if n % 2 else x.reshape(2, -1),
    "diagonal": lambda t, x, y, n: x.diagonal(),
    "view_as": lambda t, x, y, n: x.view_as(y),
    "detach": lambda t, x, y, n: x.detach(),
    "chunk": lambda t, x, y, n: x.chunk(2, dimension(x, n))[-1],
    "unbind": lambda t, x, y, n: x.unbind(dimension(x, n))[0],
    "whole": lambda t, x, y, n: x[...],
    "expand": lambda t, x, y, n: x.expand(2, *x.shape),
    "expand_row": lambda t, x, y, n: x.expand(2, *x.shape)[n % 2],
    "unfold": lambda t, x, y, n: x.unfold(0, 2, 1)[n % 2],
    "as_strided": lambda t, x, y, n: x.as_strided((2, 2), (1, 1))[n % 2],
    "meshgrid": lambda t, x, y, n: t.meshgrid(x.view(-1), y.view(-1), indexing="ij")[0][..., n % 2],
    "broadcast": lambda t, x, y, n: t.broadcast_tensors(x, y)[n % 2],
    "as_integers": lambda t, x, y, n: x.detach().view(t.int32),
    "and_back": lambda t, x, y, n: x.detach().view(t.int32).view(t.float32),
    "data": lambda t, x, y, n: x.data,
    "shallow_copy": lambda t, x, y, n: copy.copy(x),
    "view_without_grad": lambda t, x, y, n: without_grad(t, lambda: x[0:1]),
    "flat_without_grad": lambda t, x, y, n: without_grad(t, lambda: x.view(-1)),
    "leaf_view": lambda t, x, y, n: x.detach().view(-1).requires_grad_(),
    "parameter": lambda t, x, y, n: t.nn.Parameter(x.detach(), n % 2 == 0),
    "parameter_view": lambda t, x, y, n: t.nn.Parameter(x.detach().view(-1)[1:]),
}
WRITES: dict[str, Action] = {
    "add_": lambda t, x, y, n: x.add_(y),
    "add_number_": lambda t, x, y, n: x.add_(NUMBERS[n % 6]),
    "mul_": lambda t, x, y, n: x.mul_(y),
    "mul_number_": lambda t, x, y, n: x.mul_(NUMBERS[n % 6]),
    "sub_": lambda t, x, y, n: x.sub_(y, alpha=2),
    "copy_": lambda t, x, y, n: x.copy_(y),
    "fill_": lambda t, x, y, n: x.fill_(NUMBERS[n % 6]),
    "zero_": lambda t, x, y, n: x.zero_(),
    "relu_": lambda t, x, y, n: x.relu_(),
    "clamp_": lambda t, x, y, n: x.clamp_(-1, 1),
    "neg_": lambda t, x, y, n: x.neg_(),
    "masked_fill_": lambda t, x, y, n: x.masked_fill_(x > 0, NUMBERS[n % 6]),
    "set_row": lambda t, x, y, n: x.__setitem__(n % 2, y),
    "set_column": lambda t, x, y, n: x.__setitem__((..., n % 2), NUMBERS[n % 6]),
    "set_mask": lambda t, x, y, n: x.__setitem__(x < 0, 0.0),
    "set_first_rows": lambda t, x, y, n: x.__setitem__(list(range(x.shape[0]))[:2], y),
    "index_fill_": lambda t, x, y, n: x.index_fill_(0, t.tensor([0]), NUMBERS[n % 6]),
    "index_add_": lambda t, x, y, n: x.index_add_(0, t.tensor([0]), t.ones_like(x[:1])),
    "add_without_grad": lambda t, x, y, n: without_grad(t, lambda: x.add_(NUMBERS[n % 6])),
    "mul_without_grad": lambda t, x, y, n: without_grad(t, lambda: x.mul_(y)),
    "set_without_grad": lambda t, x, y, n: without_grad(t, lambda: x.__setitem__(0, 1.5)),
    "data_add_": lambda t, x, y, n: x.data.add_(NUMBERS[n % 6]),
    "data_clamp_": lambda t, x, y, n: x.data.clamp_(-1, 1),
    "data_mul_": lambda t, x, y, n: x.data.mul_(2),
    "data_set": lambda t, x, y, n: x.data.__setitem__(0, NUMBERS[n % 6]),
    "set_data": lambda t, x, y, n: set_data(x, y),
    "numpy_write": lambda t, x, y, n: write_by_numpy(x, n),
    "out_add": lambda t, x, y, n: t.add(y, 1, out=x),
    "out_itself": lambda t, x, y, n: t.mul(x, 2, out=x),
    "out_sub": lambda t, x, y, n: t.sub(x, y, out=x),
}
SHAPE_CHANGES: dict[str, Action] = {
    "transpose_": lambda t, x, y, n: x.t_(),
    "unsqueeze_": lambda t, x, y, n: x.unsqueeze_(0),
    "squeeze_": lambda t, x, y, n: x.squeeze_(),
    "unsqueeze_without_grad": lambda t, x, y, n: without_grad(t, lambda: x.unsqueeze_(0)),
    "requires_grad_": lambda t, x, y, n: x.requires_grad_(n % 2 == 0),
    "detach_": lambda t, x, y, n: x.detach_(),
}
RESULTS: dict[str, Action] = {
    "add": lambda t, x, y, n: x + y,
    "mul": lambda t, x, y, n: x * y,
    "square": lambda t, x, y, n: x**2,
    "exp": lambda t, x, y, n: (x.clamp(-1, 1)).exp(),
    "relu": lambda t, x, y, n: x.relu(),
    "sum": lambda t, x, y, n: x.sum(),
    "sum_dim": lambda t, x, y, n: x.sum(dimension(x, n)),
    "clone": lambda t, x, y, n: x.clone(),
    "contiguous": lambda t, x, y, n: x.contiguous(),
    "where": lambda t, x, y, n: x.where(x > 0, y),
    "flip": lambda t, x, y, n: x.flip(0),
    "index": lambda t, x, y, n: x[[1, 0]],
    "double": lambda t, x, y, n: x * 2 - y,
    "cat": lambda t, x, y, n: t.cat([x, y]),
    "stack": lambda t, x, y, n: t.stack([x, x]),
}
GRADIENTS: dict[str, Action] = {
    "backward": lambda t, x, y, n: x.sum().backward(),
    "backward_ones": lambda t, x, y, n: x.backward(x.detach()),
    "backward_retain": lambda t, x, y, n: (x * x).sum().backward(retain_graph=True),
    "backward_in_thread": lambda t, x, y, n: in_thread(lambda: (x * 2).sum().backward()),
    # Times one: PyTorch's gradient of a sum is one element that is repeated.
    "grad": lambda t, x, y, n: t.autograd.grad((x * x).sum(), y, allow_unused=True)[0],
    "grad_retain": lambda t, x, y, n: t.autograd.grad(x.sum(), y, retain_graph=True)[0] * 1,
    "backward_inputs": lambda t, x, y, n: (x * x).sum().backward(inputs=[y]),
    "forget": lambda t, x, y, n: setattr(x, "grad", None),
    "retain_grad": lambda t, x, y, n: x.retain_grad(),
    "hook": lambda t, x, y, n: x.register_hook(lambda g: g * 2) and None,
    "looking_hook": lambda t, x, y, n: x.register_hook(lambda g: None) and None,
    "look": lambda t, x, y, n: x.tolist() and None,
}
ACTIONS = VIEWS | WRITES | SHAPE_CHANGES | RESULTS | GRADIENTS


def program_of(seed: int) -> list[Step]:
    """Return the program of a seed."""
    draw = random.Random(seed)
    families = [VIEWS, WRITES, WRITES, SHAPE_CHANGES, RESULTS, RESULTS, GRADIENTS]
    steps = []
    for _ in range(draw.randint(3, 12)):
        family = draw.choices(families, [6, 4, 4, 1, 4, 3, 4])[0]
        action = "leaf" if draw.random() < 0.06 else draw.choice(list(family))
        steps.append((action, draw.randrange(10), draw.randrange(10), draw.randrange(6)))
    return steps


def _is_shared(x: Any, pool: list[Any]) -> bool:
    address = x.untyped_storage().data_ptr()
    return sum(other.untyped_storage().data_ptr() == address for other in pool) > 1


def _elements(x: Any) -> Any:
    return x.detach().tolist()


def _node_name(x: Any) -> str | None:
    return None if x.grad_fn is None else x.grad_fn.name()


def _words(error: BaseException) -> str:
    return re.sub(r"0x[0-9a-f]+|\(Triggered internally.*", "", str(error))


def execute(t: ModuleType, steps: list[Step]) -> list[tuple[str, Any]]:
    """Run a program and return what can be seen of it, each with ``hard`` or ``form``."""
    pool = [make_leaf(t, 0), make_leaf(t, 1)]
    seen: list[tuple[str, Any]] = []
    for action, first, second, n in steps:
        x, y = pool[first % len(pool)], pool[second % len(pool)]
        if action in SHAPE_CHANGES and _is_shared(x, pool):
            continue  # what views see of such a change of their base is a known gap
        try:
            result = make_leaf(t, n) if action == "leaf" else ACTIONS[action](t, x, y, n)
        except Exception as error:
            seen.append(("hard", (action, type(error).__name__)))
            seen.append(("form", (action, _words(error))))
            continue
        if isinstance(result, t.Tensor):
            seen.append(("hard", (action, tuple(result.shape), result.requires_grad)))
            pool.append(result)
        else:
            seen.append(("hard", (action, result is None)))
    storages = [x.untyped_storage().data_ptr() for x in pool]
    for at, x in enumerate(pool):
        what = f"tensor {at}"
        try:
            hard: tuple = (_elements(x), str(x.dtype), tuple(x.shape), x.requires_grad, x.is_leaf)
            gradient = x.grad if x.is_leaf or x.retains_grad else None
            if gradient is not None:
                hard += (_elements(gradient), str(gradient.dtype), gradient.requires_grad)
            seen.append(("hard", (what, "elements and gradient", hard)))
            # The first tensor on the same storage stands for the address, which differs.
            seen.append(("hard", (what, "storage", storages.index(storages[at]))))
            seen.append(("form", (what, "node", _node_name(x))))
            seen.append(("form", (what, "version", x._version)))
            layout = (x.stride(), x.storage_offset(), x.is_contiguous(), x._is_view())
            seen.append(("form", (what, "layout", layout)))
            seen.append(("form", (what, "repr", repr(x))))
        except Exception as error:
            seen.append(("hard", (what, type(error).__name__, _words(error))))
    return seen


def _close(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return left == right or abs(left - right) <= 1e-5 * abs(left) or left != left != right
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        pairs = zip(left, right, strict=False)
        return len(left) == len(right) and all(_close(*pair) for pair in pairs)
    return bool(left == right)


def difference(reference: ModuleType, candidate: ModuleType, seed: int) -> tuple | None:
    """Return how a program differs: ``(hard or form, PyTorch's, jtorch's)``, ``None`` if not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        steps = program_of(seed)
        expected, found = execute(reference, steps), execute(candidate, steps)
    first = None
    for wanted, given in zip(expected, found, strict=False):
        if not _close(wanted, given):
            if "hard" in (wanted[0], given[0]):
                return ("hard", wanted[1], given[1])
            first = first or ("form", wanted[1], given[1])
    return first


def main(start: int, end: int) -> Counter:
    """Compare the programs of the seeds from ``start`` to ``end`` and print how they differ."""
    import torch

    import jtorch

    counts: Counter = Counter()
    for seed in range(start, end):
        found = difference(torch, jtorch, seed)
        if found is not None:
            counts[found[0]] += 1
            print(seed, *found, sep="\t", flush=True)
    print(f"{counts['hard']} hard differences, {counts['form']} of form, in {end - start} programs")
    return counts


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
