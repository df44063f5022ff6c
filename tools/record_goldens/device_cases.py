"""Record calls of PyTorch's operator database with their answers into ``device_operators.npz``.

``python -m tools.record_goldens.device_cases``, where PyTorch is installed. The tests of
``compat_tests/device`` hold an accelerator to these answers, which are those of PyTorch's CPU.
A sample is left out where it is large, draws random numbers, is unique only up to a sign, or
is made by a function that PyTorch's database wrote itself.
"""

from __future__ import annotations

import contextlib
import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db

from compat_tests.helpers.paths import GOLDEN
from compat_tests.helpers.recorded_cases import UnrecordableError, Writer, cotangent, tensors_of
from compat_tests.helpers.tolerances import DATABASE
from compat_tests.oracle.database.conversion import MissingError, OutOfScopeError, _names, function
from compat_tests.oracle.database.entries import (
    UNDEFINED_VALUES,
    UP_TO_PHASES,
    _tolerances,
    entry_name,
    spread,
)

#: Elements of a case, operands and answers together.
LARGEST = 160
#: Samples of an entry: by what is recorded of them, and in which dtypes.
WANTED = {
    "forward": (3, (torch.float32, torch.complex64, torch.int64, torch.bool)),
    "gradient": (2, (torch.float64, torch.complex128)),
    "integer": (1, (torch.int64, torch.bool, torch.int32)),
    "float16": (1, (torch.float16,)),
    "bfloat16": (1, (torch.bfloat16,)),
    "complex": (1, (torch.complex64,)),
}


def seeded(call: Callable, *args: Any, seed: int = 0, **kwargs: Any) -> Any:
    """Return what a call gives after all generators were seeded."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    return call(*args, **kwargs)


def equal(one: Any, other: Any) -> bool:
    """Tell whether two results are of the same elements."""
    pairs = zip(tensors_of(one, torch), tensors_of(other, torch), strict=True)
    return all(torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)) for a, b in pairs)


def samples(op: Any, dtype: torch.dtype, requires_grad: bool) -> Iterator[tuple[int, Any]]:
    """Yield the samples of an entry that are small, with their numbers."""
    made = seeded(lambda: list(op.sample_inputs("cpu", dtype, requires_grad=requires_grad)))
    for number, sample in enumerate(made):
        values = [sample.input, list(sample.args), dict(sample.kwargs)]
        if sum(each.numel() for each in tensors_of(values, torch)) <= LARGEST // 2:
            yield number, sample


def recorded(writer: Writer, op: Any, what: str, sample: Any) -> dict[str, Any] | None:
    """Return a case, None where the sample is left out."""
    call, args, kwargs = op.get_op(), (sample.input, *sample.args), dict(sample.kwargs)
    operands = {"args": writer.encoded(list(args)), "kwargs": writer.encoded(kwargs)}
    copies, keywords = [clone(each) for each in args], clone(kwargs)
    try:
        result = seeded(call, *copies, **keywords)
        again = seeded(call, *[clone(each) for each in args], seed=1, **clone(kwargs))
        if not equal(result, again):
            return None
    except Exception:
        return None
    found = tensors_of(result, torch)
    if not found or sum(each.numel() for each in found) > LARGEST:
        return None
    if what.endswith("float16") and not all(each.isfinite().all() for each in found):
        return None  # the kernel's own steps overflow
    case = {**operands, "result": writer.encoded(detached(result))}
    if what == "forward":
        case |= forms(op, sample, result)
    if what == "gradient":
        if sample.output_process_fn_grad(found) is not found:
            return None
        leaves = [each for each in tensors_of([copies, keywords], torch) if each.requires_grad]
        outputs = [each for each in found if each.requires_grad]
        if not leaves or not outputs or not all(each.is_leaf for each in leaves):
            return None
        weights = [
            torch.from_numpy(np.asarray(cotangent(number, tuple(each.shape)))).to(each.dtype)
            for number, each in enumerate(outputs)
        ]
        gradients = torch.autograd.grad(outputs, leaves, weights, allow_unused=True)
        case["gradients"] = writer.encoded(list(gradients))
    return case


def clone(value: Any) -> Any:
    """Return a value with tensors of its own, leaves where they were."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, list | tuple):
        return type(value)([clone(each) for each in value])
    if isinstance(value, dict):
        return {key: clone(each) for key, each in value.items()}
    return value


def detached(value: Any) -> Any:
    """Return a result without its part in differentiation, its named tuples as plain ones."""
    if isinstance(value, torch.Tensor):
        return value.detach()
    if isinstance(value, list):
        return [detached(each) for each in value]
    if isinstance(value, tuple):
        return tuple(detached(each) for each in value)
    return value


def forms(op: Any, sample: Any, result: Any) -> dict[str, Any]:
    """Return which other forms of the operator give the same result in PyTorch, too."""
    found: dict[str, Any] = {}
    if not isinstance(sample.input, torch.Tensor):
        return found
    input, args, kwargs = sample.input, list(sample.args), dict(sample.kwargs)
    inplace = op.get_inplace()
    name = getattr(inplace, "__name__", "")
    if name and getattr(torch.Tensor, name, None) is inplace:
        with contextlib.suppress(Exception):
            written = seeded(inplace, clone(input), *clone(args), **clone(kwargs))
            if written.dtype == result.dtype and equal(written, result):
                found["inplace"] = name
    if op.supports_out:
        with contextlib.suppress(Exception):
            out = [torch.empty_like(each) for each in tensors_of(result, torch)]
            given = out[0] if isinstance(result, torch.Tensor) else tuple(out)
            seeded(op.get_op(), clone(input), *clone(args), **clone(kwargs), out=given)
            if equal(out, result):
                found["out"] = True
    return found


def record_entry(writer: Writer, op: Any) -> None:
    """Record the cases of one entry."""
    path = _names().get(id(op.get_op()))
    if path is None or op.name in UNDEFINED_VALUES or entry_name(op) in UP_TO_PHASES:
        return
    try:
        function(op.get_op())
    except (MissingError, OutOfScopeError):
        return
    overridden = {
        name: bounds for name, bounds in _tolerances(op).items() if DATABASE.get(name) != bounds
    }
    seen: set[torch.dtype] = set()
    for what, (limit, dtypes) in WANTED.items():
        supported = op.supported_backward_dtypes if what == "gradient" else op.supported_dtypes
        dtype = next((each for each in dtypes if each in supported("cpu")), None)
        if dtype is None or (dtype in seen and what != "gradient"):
            continue
        if what == "gradient" and not op.supports_autograd:
            continue
        seen.add(dtype)
        try:
            small = list(samples(op, dtype, what == "gradient"))
        except Exception:
            continue
        kept = 0
        for place in spread(len(small), 3 * limit):
            number, sample = small[place]
            if kept == limit:
                break
            try:
                case = recorded(writer, op, what, sample)
            except UnrecordableError:
                continue
            if case is None:
                continue
            kept += 1
            case |= {"id": f"{entry_name(op)}-{what}-{number}", "call": path, "what": what}
            if overridden:
                case["tolerances"] = overridden
            writer.cases.append(case)


def main() -> None:
    """Write golden/device_operators.npz."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    writer = Writer(torch)
    for op in op_db:
        record_entry(writer, op)
    writer.write(GOLDEN / "device_operators.npz")
    print(len(writer.cases), "cases of", len({case["call"] for case in writer.cases}), "functions")


if __name__ == "__main__":
    main()
