"""Record what PyTorch says to wrong and right calls, for ``test_schema.py``.

``python -m tools.record_goldens.schema``, where PyTorch is installed.

The signatures are those that PyTorch prints in its own errors, in its argument language.
"""

from __future__ import annotations

import json
import warnings

from compat_tests.helpers.paths import GOLDEN

FILE = GOLDEN / "schema.json"

_FACTORY = (
    "ScalarType? dtype=None, Layout? layout=None, Device? device=None, "
    "bool? pin_memory=False, bool? requires_grad=False"
)

#: Function name -> signatures. A name in ``torch._C._nn`` is written ``nn.name``.
SIGNATURES: dict[str, list[str]] = {
    "sum": [
        "sum(Tensor input, *, ScalarType? dtype=None)",
        "sum(Tensor input, IntArrayRef[1]? dim, bool keepdim=False, *, ScalarType? dtype=None, "
        "Tensor out=None)",
    ],
    "mean": [
        "mean(Tensor input, *, ScalarType? dtype=None, Tensor out=None)",
        "mean(Tensor input, IntArrayRef[1]? dim, bool keepdim=False, *, ScalarType? dtype=None, "
        "Tensor out=None)",
    ],
    "std": [
        "std(Tensor input, IntArrayRef[1]? dim, bool unbiased=True, bool keepdim=False, *, "
        "Tensor out=None)",
        "std(Tensor input, IntArrayRef[1]? dim=None, *, Scalar? correction=None, "
        "bool keepdim=False, Tensor out=None)",
        "std(Tensor input, bool unbiased=True)",
    ],
    "max": [
        "max(Tensor input, *, Tensor out=None)",
        "max(Tensor input, Tensor other, *, Tensor out=None)",
        "max(Tensor input, int64_t dim, bool keepdim=False, *, TensorList[2] out=None)",
    ],
    "any": [
        "any(Tensor input, *, Tensor out=None)",
        "any(Tensor input, IntArrayRef[1]? dim=None, bool keepdim=False, *, Tensor out=None)",
        "any(Tensor input, int64_t dim, bool keepdim=False, *, Tensor out=None)",
    ],
    "add": [
        "add(Tensor input, Scalar alpha, Tensor other, *, Tensor out=None)|deprecated",
        "add(Tensor input, Tensor other, *, Scalar alpha=1, Tensor out=None)",
    ],
    "mul": ["mul(Tensor input, Tensor other, *, Tensor out=None)"],
    "pow": [
        "pow(Tensor input, Tensor exponent, *, Tensor out=None)",
        "pow(Scalar self, Tensor exponent, *, Tensor out=None)",
        "pow(Tensor input, Scalar exponent, *, Tensor out=None)",
    ],
    "matmul": ["matmul(Tensor input, Tensor other, *, Tensor out=None)"],
    "relu": ["relu(Tensor input)"],
    "exp": ["exp(Tensor input, *, Tensor out=None)"],
    "clamp": [
        "clamp(Tensor input, Tensor? min=None, Tensor? max=None, *, Tensor out=None)",
        "clamp(Tensor input, Scalar? min=None, Scalar? max=None, *, Tensor out=None)",
    ],
    "reshape": ["reshape(Tensor input, SymIntArrayRef shape)"],
    "permute": ["permute(Tensor input, IntArrayRef dims)"],
    "transpose": ["transpose(Tensor input, int64_t dim0, int64_t dim1)"],
    "flip": ["flip(Tensor input, IntArrayRef dims)"],
    "unsqueeze": ["unsqueeze(Tensor input, int64_t dim)"],
    "squeeze": [
        "squeeze(Tensor input)",
        "squeeze(Tensor input, int64_t dim)",
        "squeeze(Tensor input, IntArrayRef dim)",
    ],
    "flatten": ["flatten(Tensor input, int64_t start_dim=0, int64_t end_dim=-1)"],
    "narrow": [
        "narrow(Tensor input, int64_t dim, Tensor start, SymInt length)",
        "narrow(Tensor input, int64_t dim, SymInt start, SymInt length)",
    ],
    "chunk": ["chunk(Tensor input, int64_t chunks, int64_t dim=0)"],
    "gather": [
        "gather(Tensor input, int64_t dim, Tensor index, *, bool sparse_grad=False, "
        "Tensor out=None)"
    ],
    "scatter": [
        "scatter(Tensor input, int64_t dim, Tensor index, Tensor src, *, Tensor out=None)",
        "scatter(Tensor input, int64_t dim, Tensor index, Tensor src, *, c10::string_view reduce, "
        "Tensor out=None)",
        "scatter(Tensor input, int64_t dim, Tensor index, Scalar value, *, Tensor out=None)",
        "scatter(Tensor input, int64_t dim, Tensor index, Scalar value, *, "
        "c10::string_view reduce, Tensor out=None)",
    ],
    "where": [
        "where(Tensor condition)",
        "where(Tensor condition, Tensor input, Tensor other, *, Tensor out=None)",
        "where(Tensor condition, Scalar self, Tensor other)",
        "where(Tensor condition, Tensor input, Scalar other)",
        "where(Tensor condition, Scalar self, Scalar other)",
    ],
    "cat": ["cat(TensorList tensors, int64_t dim=0, *, Tensor out=None)"],
    "stack": ["stack(TensorList tensors, int64_t dim=0, *, Tensor out=None)"],
    "zeros": [f"zeros(SymIntArrayRef size, *, Tensor out=None, {_FACTORY})"],
    "full": [f"full(SymIntArrayRef size, Scalar fill_value, *, Tensor out=None, {_FACTORY})"],
    "randn": [
        f"randn(SymIntArrayRef size, *, Generator? generator, Tensor out=None, {_FACTORY})",
        f"randn(SymIntArrayRef size, *, Tensor out=None, {_FACTORY})",
    ],
    "arange": [
        f"arange(Scalar end, *, Tensor out=None, {_FACTORY})",
        f"arange(Scalar start, Scalar end, *, {_FACTORY})",
        f"arange(Scalar start, Scalar end, Scalar step=1, *, Tensor out=None, {_FACTORY})",
    ],
    "eye": [
        f"eye(SymInt n, *, Tensor out=None, {_FACTORY})",
        f"eye(SymInt n, SymInt m, *, Tensor out=None, {_FACTORY})",
    ],
    "normal": [
        "normal(Tensor mean, Tensor std, *, Generator? generator=None, Tensor out=None)",
        "normal(Tensor mean, double std=1, *, Generator? generator=None, Tensor out=None)",
        "normal(double mean, Tensor std, *, Generator? generator=None, Tensor out=None)",
        "normal(double mean, double std, SymIntArrayRef size, *, Generator? generator=None, "
        f"Tensor out=None, {_FACTORY})",
    ],
    "softmax": ["softmax(Tensor input, int64_t dim, ScalarType? dtype=None, *, Tensor out=None)"],
    "topk": [
        "topk(Tensor input, SymInt k, int64_t dim=-1, bool largest=True, bool sorted=True, *, "
        "TensorList[2] out=None)"
    ],
    "sort": [
        "sort(Tensor input, *, bool? stable, int64_t dim=-1, bool descending=False, "
        "TensorList[2] out=None)",
        "sort(Tensor input, int64_t dim=-1, bool descending=False, *, TensorList[2] out=None)",
    ],
    "dropout": ["dropout(Tensor input, double p, bool train)"],
    "conv2d": [
        "conv2d(Tensor input, Tensor weight, Tensor? bias=None, SymIntArrayRef[2] stride=1, "
        "SymIntArrayRef[2] padding=0, SymIntArrayRef[2] dilation=1, SymInt groups=1)",
        "conv2d(Tensor input, Tensor weight, Tensor? bias=None, SymIntArrayRef[2] stride=1, "
        'c10::string_view padding="valid", SymIntArrayRef[2] dilation=1, SymInt groups=1)',
    ],
    "layer_norm": [
        "layer_norm(Tensor input, SymIntArrayRef normalized_shape, Tensor? weight=None, "
        "Tensor? bias=None, double eps=1e-05, bool cudnn_enable=True)"
    ],
    "batch_norm": [
        "batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, "
        "Tensor? running_var, bool training, double momentum, double eps, bool cudnn_enabled)"
    ],
    "nn.gelu": ['gelu(Tensor input, *, c10::string_view approximate="none", Tensor out=None)'],
    "nn.linear": ["linear(Tensor input, Tensor weight, Tensor? bias=None, *, Tensor out=None)"],
}

#: Function -> (whether the method is called, arguments) of the calls that are recorded. The names
#: in the arguments are those of ``test_schema.py``.
CALLS: dict[str, list[tuple[bool, str]]] = {
    "sum": [
        (False, ""), (False, "'a'"), (False, "t, 'a'"), (False, "t, foo=1"), (False, "x=t"),
        (False, "input=t, x=t"), (False, "t, [2, 3], [4], 5"), (False, "t, (0, 'a'), foo=1, bar=2"),
        (True, "'a'"), (True, "foo=1"), (True, "0, 1, 2, 3"), (True, "0, 1"), (True, "0, True"),
        (True, "(0, 'a')"), (True, "('a', 0)"), (True, "[0, None]"), (True, "axis=1"),
        (True, "dim=1, axis=1"), (True, "dim=1, keepdims=True"), (True, "dim=1, keepdims=1"),
        (True, "dim=None"), (True, "None, True"), (True, "dtype=float32"), (True, "dtype=3"),
        (True, "torch_int"), (True, "torch_bool"), (True, "True"), (True, "numpy.int64(1)"),
        (True, "2**63"), (True, "foo=1, bar=2, dim=2, a=1, b=2, c=3, d=4, e=5"),
        (True, "a=1, b=2, c=3, d=4, e=5, f=6, g=7, h=8, i=9, j=10, k=11, l=12, m=13"),
    ],
    "mean": [(False, ""), (False, "t, dim='a'"), (False, "t, (0, 1.5)"), (True, "0, 1")],
    "std": [
        (True, "'a'"), (True, "0, True, True, 5"), (False, "t, 'a'"), (True, "unbiased=False"),
        (True, "0, correction=numpy.float32(1)"), (True, "1, False"),
    ],
    "max": [
        (False, "t, 'a'"), (False, "t, 0, 0"), (False, "t, 0, keepdim='a'"), (True, "0, 1, 2"),
        (False, "t, 0, [1, 2]"), (False, "t, (0,), []"), (False, "t, (0,), ()"), (False, "t, None"),
        (False, "t, t"), (True, "dim=0"), (True, "1, keepdim=True"),
    ],
    "any": [(False, "t, 'a'"), (False, "t, dim='a'"), (False, "t, dim=(0, 1)"), (True, "0")],
    "add": [
        (False, "t"), (False, "t, 'a'"), (True, "'a'"), (True, ""), (True, "1, 2, 3, 4"),
        (False, "t, 1, alpha='a'"), (False, "t, 1, alpha=t"), (False, "t, 1, alpha=torch_int"),
        (False, "t, None"), (False, "t, [1]"), (False, "t, numpy.ones(3)"), (False, "t, True"),
        (False, "t, numpy.bool_(2)"), (False, "t, numpy.float32(2)"), (False, "t, 2**64"),
        (False, "t, x2=1"), (False, "1, t"), (True, "foo=1"),
    ],
    "mul": [(False, "t, 'a'"), (True, "'a'"), (False, "t, 1j"), (False, "t, t, t")],
    "pow": [
        (True, "'a'"), (False, "'a', t"), (False, "2, 3"), (False, "2, t"), (False, "t, 2"),
        (False, "t, exponent=t"),
    ],
    "matmul": [
        (False, ""), (False, "t"), (False, "t, 'a'"), (False, "t, t, t"), (False, "t, t, foo=3"),
        (False, "t, other=t, foo=3"), (False, "t, t, other=t"), (False, "t, t, input=t"),
        (True, ""), (True, "t, t"), (True, "foo=t"), (False, "t, print"), (False, "t, ..."),
        (False, "t, numpy.ones(2)"), (False, "t, numpy.dtype('f4')"), (False, "t, date"),
        (False, "t, fraction"), (False, "t, numpy.float32(1)"), (False, "t, len"),
        (False, "t, float32"), (False, "t, None"), (False, "t, x2=t"),
    ],
    "relu": [
        (True, "1"), (True, "1, foo=2"), (True, ""), (False, ""), (False, "1"), (False, "None"),
        (False, "t, t"), (False, "foo=t"), (False, "input='a'"), (False, "x1=t"),
    ],
    "exp": [(False, "t, out=3"), (False, "t, out=None")],
    "clamp": [
        (True, "'a'"), (True, "0, 1, 2"), (True, "foo=1"), (True, "min='a'"),
        (True, "min=torch_int"),
        (False, "t, min=0, max='a'"), (True, "0, max=1.5"), (True, "min=t"),
    ],
    "reshape": [
        (True, ""), (True, "'a'"), (True, "2, 'a'"), (True, "2.0, 3"), (True, "(2.0, 3)"),
        (True, "shape=(3, 2)"), (True, "3, shape=(3, 2)"), (True, "3, 2"), (False, "t, 3, 2"),
        (False, "t, (3, 'a')"), (False, "t, 6"), (False, "t"), (True, "[1.0], 2"),
        (True, "(1,), 2"), (True, "True, 2"), (True, "6, True"), (True, "None"),
        (True, "shape='a'"), (True, "shape=('a', 1)"), (True, "shape=(1, 'a')"),
        (True, "shape=6"), (True, "(3, 2**63)"), (True, "numpy.int64(6)"),
    ],
    "permute": [
        (True, "torch_bool"),
       (True, "1, 'a'"), (True, ""), (False, "t, 1, 0"), (True, "(1, 0)"), (True, "1, 0")],
    "transpose": [
        (True, "0"), (True, "0, 1, 2"), (True, "0, 'a'"), (True, "0, 1.0"), (True, "0, True"),
        (True, "0, torch_int"), (True, "0, torch_float"), (True, "0, torch_bool"), (True, "0, t"),
        (True, "0, numpy.int64(1)"), (True, "0, numpy.bool_(True)"), (True, "0, numpy.float64(1)"),
        (True, "dim0=0, dim1=1"), (True, "0, dim0=1"), (True, "0, 1, dim0=1"),
        (True, "0, 1, foo=1"),
        (True, "0, 2**63"), (True, "0, numpy.array(1)"),
    ],
    "flip": [(True, "0, 'a'"), (True, "(1,), 2, foo=3"), (False, "t, 0"), (True, "0, 1")],
    "unsqueeze": [(True, ""), (True, "'a'"), (True, "0, 1"), (False, "t"), (False, "t, 0")],
    "squeeze": [(True, "'a'"), (True, "0.0, 1"), (True, ""), (True, "0"), (True, "(0,)")],
    "flatten": [(True, "'a'"), (True, "0, 1, 2"), (False, "t, foo=1"), (True, "0"), (True, "")],
    "narrow": [(True, "0, True, 1"), (True, "0, 0, 1"), (True, "0, numpy.array(0), 1")],
    "chunk": [(False, "t"), (False, "t, 'a'"), (False, "x1=t, input=t, chunks=2"),
              (False, "a=t, chunks=2")],
    "gather": [(True, "0"), (True, "0, 'a'"), (True, "'a', t"), (True, "0, [1]")],
    "scatter": [
        (True, "0, t, 'a'"), (True, "dim=0, index=t, src=3"), (True, "src=3, index=t, dim=0"),
        (False, "t, dim='a', index=t, src=t"), (True, "0, t, t, reduce=3"),
    ],
    "where": [
        (False, "t, 'a', t"), (False, ""), (False, "t, [1, 'a'], (2,)"),
        (False, "t, [1], foo=(2,)"),
        (False, "t, foo=1, bar=(2,)"), (False, "condition=t, self=1, other='a'"),
        (False, "condition=t, input=1, other='a'"), (False, "other='a', self=t, condition=t"),
        (False, "foo='a', bar=t, condition=t"),
    ],
    "cat": [
        (False, "t"), (False, "[t, 'a']"), (False, "[t, None]"), (False, "'a'"), (False, ""),
        (False, "[t], 0, 1"), (False, "[t], axis=0"), (False, "[t], dim='a'"), (False, "3"),
        (False, "tensors=[t], foo=3"), (False, "(t, t), 1"),
    ],
    "stack": [(False, "[t, 1]"), (False, "[1, t], 'a'"), (False, "torch_int")],
    "zeros": [
        (False, "'a'"), (False, "2, 'a'"), (False, "(2, 'a')"), (False, "(2, 1.5)"), (False, "2.5"),
        (False, ""), (False, "True"), (False, "(True, 2)"), (False, "2, dtype='a'"),
        (False, "2, dtype=str"), (False, "2, dtype=float"), (False, "2, dtype=bool"),
        (False, "2, dtype=numpy.float32"), (False, "2, layout=1"), (False, "2, requires_grad=1"),
        (False, "2, foo=1"), (False, "torch_int, 2"), (False, "(torch_float, 2)"),
        (False, "(2, torch_float)"), (False, "(2, torch_bool)"), (False, "t"), (False, "None"),
        (False, "numpy.int64(3), 2"), (False, "numpy.float64(3), 2"), (False, "numpy.array(2)"),
        (False, "numpy.array([2, 3])"), (False, "2, 3, size=(3,)"), (False, "size=2"),
        (False, "2, device=1.5"), (False, "2, device=True"), (False, "2, requires_grad=None"),
        (False, "2, layout=None, device='cpu'"), (False, "[2, numpy.float32(2)]"),
    ],
    "full": [
        (False, "(2,), 'a'"), (False, "2, 1"), (False, ""), (False, "(2,), None"),
        (False, "(2,), fraction"), (False, "(2,), 2**64"), (False, "(2,), numpy.int32(2)"),
        (False, "(2,), True"), (False, "(2,), 1j"),
    ],
    "randn": [(False, "'a'"), (False, "2, generator=1"), (False, "2, 2.0"), (False, "2, 3"),
              (False, "2, generator=None")],
    "arange": [(False, "'a'"), (False, ""), (False, "1, 2, 3, 4"), (False, "1, 'a'"),
               (False, "1, dtype=1"), (False, "5"), (False, "0, 1.5, 0.5")],
    "eye": [(False, "'a'"), (False, ""), (False, "2, 3, 4"), (False, "2, 3")],
    "normal": [(False, "'a'"), (False, "1.0, 2.0"), (False, "1, 2, 3"),
               (False, "mean=1, std=2, size=(2,)")],
    "softmax": [(False, "t"), (False, "t, 'a'"), (False, "t, 1, 2"), (False, "t, 1")],
    "topk": [(False, "t"), (False, "t, 'a'"), (False, "t, 1, 0, True, True, 3"), (False, "t, 1")],
    "sort": [(False, "t, 'a'"), (True, "stable=1"), (True, "stable=True"), (True, "0, True")],
    "dropout": [
        (False, "t, 'a', True"), (False, "t, 0.5, 1"), (False, "t, 0.5"), (False, "t, 1j, True"),
        (False, "t, numpy.float32(0.5), True"), (False, "t, torch_float, True"),
        (False, "t, t, True"),
        (False, "t, 0.5, numpy.bool_(True)"), (False, "t, 0, True"),
    ],
    "conv2d": [(False, "t"), (False, "t, t, 'a'"), (False, "t, t, None, 'a'"),
               (False, "t, t, None, (1, 'a')"), (False, "t, t, stride=1.5")],
    "layer_norm": [(False, "t, 2"), (False, "t, [2], 1"), (False, "t, [3], None, None, 'a'"),
                   (False, "t, [3]")],
    "batch_norm": [(False, "t"), (False, "t, None, None, None, None, 1, 0.1, 0.1, True")],
    "nn.gelu": [(False, "'a'"), (False, "t, approximate=3"), (False, "t, 'a', 3"), (False, "t")],
    "nn.linear": [(False, "t"), (False, "t, 'a'"), (False, "t, t, 1")],
}  # fmt: skip


def values(torch) -> dict[str, object]:
    """Return what the names in the recorded arguments stand for, with PyTorch's tensors."""
    import datetime
    import fractions

    import numpy

    return {
        "t": torch.ones(2, 3),
        "torch_int": torch.tensor(1),
        "torch_float": torch.tensor(0.5),
        "torch_bool": torch.tensor(True),
        "float32": torch.float32,
        "numpy": numpy,
        "date": datetime.date(2000, 1, 1),
        "fraction": fractions.Fraction(1, 2),
        "call": lambda *args, **kwargs: (args, kwargs),
    }


def outcome(torch, name: str, method: bool, arguments: str) -> list[str]:
    """Return what PyTorch makes of a call.

    Args:
        torch: the module.
        name: of the function.
        method: whether the method is called.
        arguments: their source.
    Returns:
        ``["accepted", ""]``, or the exception's type and words. What an accepted call goes on to
        raise about its values (shapes, ranges) is no matter of the arguments.
    """
    names = values(torch)
    if not method:
        space = torch._C._nn if name.startswith("nn.") else torch
        names["function"] = getattr(space, name.split(".")[-1])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            eval(f"{f't.{name}' if method else 'function'}({arguments})", names)
    except (TypeError, OverflowError) as error:
        # What PyTorch's C++ appends to an overflow is the addresses of its own frames.
        head, _, trace = str(error).partition("\nException raised from ")
        return [type(error).__name__, head + '"' if trace else head]
    except ValueError as error:
        if "Overflow" in str(error):
            return ["ValueError", str(error)]
    except (RuntimeError, IndexError) as error:
        if "isIntegral" in str(error):
            return ["RuntimeError", str(error)]
    return ["accepted", ""]


#: Those whose tensors may be given as Python numbers.
NUMBERS_AS_TENSORS = ("add", "mul")


def record() -> list[dict[str, object]]:
    """Return every recorded call with its outcome."""
    import torch

    return [
        {
            "function": name,
            "method": method,
            "arguments": arguments,
            "outcome": outcome(torch, name, method, arguments),
        }
        for name, calls in CALLS.items()
        for method, arguments in calls
    ]


def main() -> None:
    """Write golden/schema.json."""
    lines = [json.dumps(case) for case in record()]
    FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
