"""``torch.library``: operators that programs define. Outcomes and words are PyTorch 2.13's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import jtorch as torch
from jtorch import Tensor
from jtorch.library import Library, custom_op, infer_schema, opcheck


def test_schemas_are_read_off_annotations() -> None:
    def one(
        x: Tensor, y: Tensor | None, z: Sequence[Tensor], i: int = 3, f: float = 2.0,
        b: bool = True, s: str = "a", d: int | None = None, t: torch.dtype = torch.float32,
    ) -> Tensor: ...  # fmt: skip

    def two(x: Tensor, *, out: Tensor, lf: list[float]) -> tuple[Tensor, Tensor]: ...

    def three(x: Tensor) -> None: ...

    one.__annotations__ = {
        "x": Tensor, "y": Tensor | None, "z": Sequence[Tensor], "i": int, "f": float, "b": bool,
        "s": str, "d": int | None, "t": torch.dtype, "return": Tensor,
    }  # fmt: skip
    two.__annotations__ = {
        "x": Tensor, "out": Tensor, "lf": list[float], "return": tuple[Tensor, Tensor]
    }  # fmt: skip
    three.__annotations__ = {"x": Tensor, "return": None}
    assert infer_schema(one, mutates_args=()) == (
        "(Tensor x, Tensor? y, Tensor[] z, SymInt i=3, float f=2.0, bool b=True, "
        'str s="a", SymInt? d=None, ScalarType t=float32) -> Tensor'
    )
    assert infer_schema(two, mutates_args={"out"}) == (
        "(Tensor x, *, Tensor(a1!) out, float[] lf) -> (Tensor, Tensor)"
    )
    assert infer_schema(three, mutates_args="unknown") == "(Tensor(a0!) x) -> ()"
    with pytest.raises(ValueError, match="Parameter x must have a type annotation"):
        infer_schema(lambda x: x, mutates_args=())


def make_sine():
    @custom_op("tested::sine", mutates_args=())
    def sine(x: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
        return torch.from_numpy(np.sin(x.detach().numpy()) * np.float32(scale))

    return sine


def test_an_operator_runs_and_is_found() -> None:
    sine = make_sine()
    x = torch.tensor([0.5, 1.0])
    assert torch.allclose(sine(x, 2.0), x.sin() * 2)
    assert torch.allclose(torch.ops.tested.sine(x), x.sin())
    assert torch.allclose(torch.ops.tested.sine.default(x, scale=3.0), x.sin() * 3)
    assert repr(sine) == "<CustomOpDef(tested::sine)>"
    assert str(torch.ops.tested.sine.default) == "tested.sine.default"
    assert torch.ops.tested.sine.overloads() == ["default"]


def test_gradients_are_those_of_the_formula() -> None:
    sine = make_sine()
    x = torch.tensor([0.5, 1.0], requires_grad=True)
    with pytest.raises(RuntimeError, match=r"backward through tested.sine.default but no autograd"):
        sine(x).sum().backward()
    seen = []

    def setup_context(ctx, inputs, output) -> None:
        seen.append((len(inputs), ctx.needs_input_grad))
        ctx.save_for_backward(inputs[0])
        ctx.scale = inputs[1]

    def backward(ctx, grad):
        (saved,) = ctx.saved_tensors
        return grad * saved.cos() * ctx.scale, None

    sine.register_autograd(backward, setup_context=setup_context)
    y = sine(x, 2.0)
    assert type(y.grad_fn).__name__.startswith("GeneratedBackwardFor_tested_sine_default")
    y.sum().backward()
    assert torch.allclose(x.grad, 2 * x.detach().cos()) and seen == [(2, (True, False))]


def test_lists_of_tensors_have_lists_of_gradients() -> None:
    @custom_op("tested::join", mutates_args=())
    def join(parts: Sequence[torch.Tensor], n: int) -> list[torch.Tensor]:
        return [torch.cat(list(parts)) * n, parts[0] + n]

    def backward(ctx, grads):
        whole, first = grads
        return [whole[:1] * 3 + first, whole[1:] * 3], None

    join.register_autograd(backward)
    a, b = torch.ones(1, requires_grad=True), torch.ones(2, requires_grad=True)
    result = join([a, b], 3)
    assert isinstance(result, list) and [r.tolist() for r in result] == [[3, 3, 3], [4]]
    (result[0].sum() + 5 * result[1].sum()).backward()
    assert a.grad.tolist() == [8] and b.grad.tolist() == [3, 3]


def test_on_meta_the_fake_function_answers() -> None:
    sine = make_sine()
    words = "There was no fake impl registered for <CustomOpDef\\(tested::sine\\)>"
    with pytest.raises(RuntimeError, match=words):
        sine(torch.ones(2, device="meta"))
    torch.library.register_fake("tested::sine", lambda x, scale=1.0: torch.empty_like(x))
    assert sine(torch.ones(2, device="meta")).shape == (2,)


def test_what_is_refused() -> None:
    sine = make_sine()
    with pytest.raises(RuntimeError, match="Expected a value of type 'Tensor' for argument 'x'"):
        sine(2)
    with pytest.raises(RuntimeError, match="expected at most 2 argument"):
        sine(torch.ones(1), 1.0, 2)

    @custom_op("tested::same", mutates_args=())
    def same(x: torch.Tensor) -> torch.Tensor:
        return x

    with pytest.raises(RuntimeError, match="must not also be an input to this custom operator"):
        same(torch.ones(1))
    with pytest.raises(RuntimeError, match="operator tested::nothing does not exist"):
        torch.library.register_fake("tested::nothing", lambda x: x)
    with pytest.raises(ValueError, match='Expected `qualname` to be of the form "namespace::name"'):
        torch.library.define("nameless", "(Tensor x) -> Tensor")


def test_an_operator_may_overwrite_its_arguments() -> None:
    @custom_op("tested::fill", mutates_args={"x"})
    def fill(x: torch.Tensor, value: float) -> None:
        x.fill_(value)

    x = torch.zeros(2)
    version = x._version
    assert fill(x, 3.0) is None and x.tolist() == [3, 3] and x._version > version
    with pytest.raises(RuntimeError, match="Cannot register autograd formula for non-functional"):
        fill.register_autograd(lambda ctx, grad: grad)


def test_libraries() -> None:
    lib = Library("tested_lib", "DEF")
    assert lib.define("add3(Tensor x, int n=3) -> Tensor") == "add3"
    with pytest.raises(NotImplementedError, match="Could not run 'tested_lib::add3' with argument"):
        torch.ops.tested_lib.add3(torch.ones(1))
    lib.impl("add3", lambda x, n=3: x + n, "CPU")
    assert torch.ops.tested_lib.add3(torch.ones(1)).tolist() == [4]
    with pytest.raises(RuntimeError, match="with the same name and overload name multiple times"):
        lib.define("add3(Tensor x) -> Tensor")
    assert lib.define("scaled.by(Tensor x, float k) -> Tensor") == "scaled.by"
    lib.impl("scaled.by", lambda x, k: x * k)
    x = torch.ones(2, requires_grad=True)
    torch.ops.tested_lib.scaled.by(x, 4.0).sum().backward()  # made of other operators
    assert x.grad.tolist() == [4, 4]
    with pytest.raises(ValueError, match="Unsupported kind: BAD"):
        Library("a", "BAD")
    with pytest.raises(ValueError, match="prim is a reserved namespace"):
        Library("prim", "DEF")
    lib._destroy()
    assert not hasattr(torch.ops.tested_lib, "add3")


def test_a_gradient_kernel_calls_the_operator_below_itself() -> None:
    with torch.library._scoped_library("tested_below", "FRAGMENT") as lib:
        lib.define("twice(Tensor x) -> Tensor")
        lib.impl("twice", lambda x: x * 2, "CPU")

        class Twice(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return torch.ops.tested_below.twice(x)

            @staticmethod
            def backward(ctx, grad):
                return grad * 20

        lib.impl("twice", Twice.apply, "Autograd")
        x = torch.ones(1, requires_grad=True)
        y = torch.ops.tested_below.twice(x)
        y.backward()
        assert y.item() == 2 and x.grad.item() == 20


def test_an_operator_is_checked() -> None:
    @custom_op("tested::checked", mutates_args=())
    def checked(x: torch.Tensor) -> torch.Tensor:
        return x.exp()

    x = torch.ones(2, requires_grad=True)
    with pytest.raises(Exception, match="test_faketensor failed with There was no fake impl"):
        opcheck(checked, (torch.ones(2),), test_utils="test_faketensor")
    checked.register_fake(lambda x: x.new_empty(3))
    assert "fake result has shape" in str(
        opcheck(checked, (x,), raise_exception=False)["test_faketensor"]
    )
    checked.register_fake(torch.empty_like)
    checked.register_autograd(lambda ctx, grad: grad)
    assert set(opcheck(checked, (x,)).values()) == {"SUCCESS"}

    @custom_op("tested::writes", mutates_args=())
    def writes(x: torch.Tensor) -> torch.Tensor:
        return x.add_(1).clone()

    with pytest.raises(Exception, match="Argument x is not defined as mutable but was mutated"):
        opcheck(writes, (torch.ones(2),), test_utils="test_schema")
