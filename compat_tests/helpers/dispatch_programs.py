"""Programs over ``__torch_function__``: objects that are no tensors, subclasses, modes.

Each is a function of the library that returns a text; PyTorch's answers are recorded in
``compat_tests/golden/dispatch_logs.json``.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

PROGRAMS: dict[str, Callable[[Any], Any]] = {}


def program(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Add a function to the programs."""
    PROGRAMS[function.__name__] = function
    return function


def attempt(trial: Callable[[], Any]) -> str:
    """Return the text of a result or of an error."""
    try:
        return str(trial())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@program
def an_object_that_is_a_diagonal(torch: Any) -> Any:
    """A matrix kept as one number, with a table of the functions that it knows."""
    known: dict[Any, Callable] = {}

    class Diagonal:
        def __init__(self, size: int, value: float) -> None:
            self.size, self.value = size, value

        def __repr__(self) -> str:
            return f"Diagonal({self.size}, {self.value})"

        def dense(self) -> Any:
            return self.value * torch.eye(self.size)

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):  # type: ignore
            if func not in known or not all(issubclass(t, (torch.Tensor, cls)) for t in types):
                return NotImplemented
            return known[func](*args, **(kwargs or {}))

    known[torch.mean] = lambda x: x.value / x.size

    def added(a: Any, b: Any) -> Any:
        if isinstance(a, Diagonal) and isinstance(b, Diagonal):
            return Diagonal(a.size, a.value + b.value)
        a, b = (each.dense() if isinstance(each, Diagonal) else each for each in (a, b))
        return torch.add(a, b)

    known[torch.add] = added
    d, x = Diagonal(2, 4.0), torch.ones(2, 2)
    return [
        attempt(lambda: torch.mean(d)),
        attempt(lambda: torch.add(d, d)),
        attempt(lambda: torch.add(d, x).tolist()),
        attempt(lambda: torch.add(x, d).tolist()),
        attempt(lambda: torch.mul(d, x)),
        attempt(lambda: torch.nn.functional.relu(d)),
        attempt(lambda: x * d),
        attempt(lambda: x.mul(d)),
    ]


@program
def an_object_with_notes(torch: Any) -> Any:
    """An object that holds a tensor and a note, which results take over."""

    class Noted:
        def __init__(self, data: Any, note: str) -> None:
            self.data, self.note = torch.as_tensor(data), note

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):  # type: ignore
            note = next(each.note for each in args if isinstance(each, cls))
            plain = [each.data if isinstance(each, cls) else each for each in args]
            return cls(func(*plain, **(kwargs or {})), note)

    x = torch.ones(2)
    made = [torch.add(Noted([1.0, 2.0], "a"), x), torch.add(x, Noted([1.0, 2.0], "b"))]
    made.append(torch.nn.functional.softmax(Noted([0.0, 0.0], "c"), dim=0))
    return [(each.note, each.data.tolist()) for each in made]


@program
def a_subclass_that_notes_calls(torch: Any) -> Any:
    lines: list[str] = []

    class Noting(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):  # type: ignore
            if func is not torch.Tensor.__repr__:
                lines.append(f"{func.__name__} {len(args)} {sorted(kwargs or {})}")
            return super().__torch_function__(func, types, args, kwargs or {})

    x = torch.arange(4.0).reshape(2, 2).as_subclass(Noting)
    y = (x + 1).sum(dim=0)
    y.add_(torch.ones(2))
    torch.stack([torch.zeros(2), y])
    result = torch.add(x, x, out=torch.empty(2, 2))
    lines.append(type(result).__name__)
    lines.append(str(y))
    return lines


@program
def precedence(torch: Any) -> Any:
    """The class of a subclass is asked before that of its base, others from left to right."""
    order: list[str] = []

    def make(name: str, base: type, answer: Any) -> Any:
        def implementation(cls, func, types, args=(), kwargs=None):  # type: ignore
            order.append(name + str([each.__name__ for each in types]))
            return answer

        return type(name, (base,), {"__torch_function__": classmethod(implementation)})

    first = make("First", object, NotImplemented)
    second = make("Second", first, NotImplemented)
    third = make("Third", object, "third")
    tensor = make("Own", torch.Tensor, NotImplemented)
    results = [
        attempt(lambda: torch.add(first(), second())),
        attempt(lambda: torch.where(first(), third(), second())),
        attempt(lambda: torch.cat([third(), torch.ones(1)])),
        attempt(lambda: torch.add(torch.ones(1).as_subclass(tensor), third())),
        attempt(lambda: torch.add(torch.ones(1).as_subclass(tensor), 1)),
    ]
    return results, order


@program
def subclasses_of_parameters_and_modules(torch: Any) -> Any:
    class Marked(torch.Tensor):
        pass

    torch.manual_seed(0)
    layer = torch.nn.Linear(2, 2)
    layer.weight = torch.nn.Parameter(layer.weight.detach().as_subclass(Marked))
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    x = torch.ones(1, 2)
    found = [type(layer.weight).__name__, isinstance(layer.weight, torch.nn.Parameter)]
    before = layer.weight.detach().clone()
    output = layer(x)
    found += [type(output).__name__, output.requires_grad]
    output.sum().backward()
    optimizer.step()
    found += [type(layer.weight).__name__, type(layer.weight.grad).__name__]
    found.append((layer.weight - before).tolist())
    found += sorted(layer.state_dict())
    return found


@program
def gradients_of_subclasses(torch: Any) -> Any:
    class Marked(torch.Tensor):
        pass

    leaf = torch.Tensor._make_subclass(Marked, torch.tensor([1.0, 2.0]), True)
    loss = (leaf * leaf).sum()
    loss.backward()
    found = [type(loss).__name__, type(loss.grad_fn).__name__, loss.item()]
    found += [type(leaf.grad).__name__, leaf.grad.tolist(), leaf.is_leaf]
    plain = torch.ones(2, requires_grad=True)
    through = plain.as_subclass(Marked)
    (through * 3).sum().backward()
    found += [type(through.grad_fn).__name__, type(plain.grad).__name__, plain.grad.tolist()]
    grads = torch.autograd.grad((plain.as_subclass(Marked) ** 2).sum(), plain)
    return [*found, [each.tolist() for each in grads]]


@program
def copies_of_subclasses(torch: Any) -> Any:
    class Marked(torch.Tensor):
        pass

    class Copyable(torch.Tensor):
        def new_empty(self, *args: Any, **kwargs: Any) -> Any:
            return super().new_empty(*args, **kwargs).as_subclass(Copyable)

    Marked.__qualname__ = "KeptSubclass"
    globals()["KeptSubclass"] = Marked
    x = torch.tensor([1.0, 2.0]).as_subclass(Marked)
    x.note = "kept"
    stream = io.BytesIO()
    torch.save(x, stream)
    stream.seek(0)
    loaded = torch.load(stream, weights_only=False)
    found = [type(loaded).__name__, loaded.tolist(), loaded.note]
    shallow = copy.copy(x)
    found += [type(shallow).__name__, shallow.note]
    found.append(attempt(lambda: type(copy.deepcopy(x)).__name__))
    deep = copy.deepcopy(torch.ones(2).as_subclass(Copyable))
    return [*found, type(deep).__name__, deep.tolist()]


@program
def blocks_without_dispatch(torch: Any) -> Any:
    class Marked(torch.Tensor):
        pass

    class Plain(torch.Tensor):
        __torch_function__ = torch._C._disabled_torch_function_impl

    x = torch.ones(2).as_subclass(Marked)
    with torch._C.DisableTorchFunctionSubclass():
        inside = type(x + 1).__name__
    with torch._C.DisableTorchFunction():
        nothing = type(x + 1).__name__
    plain = torch.ones(2).as_subclass(Plain)
    return [inside, nothing, type(x + 1).__name__, type(plain + 1).__name__]


@program
def modes(torch: Any) -> Any:
    overrides = torch.overrides
    lines: list[str] = []

    class Noting(overrides.TorchFunctionMode):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore
            lines.append(f"{self.name} {overrides.resolve_name(func)}")
            return func(*args, **(kwargs or {}))

    class Swapping(overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore
            if func is torch.add:
                func = torch.sub
            return func(*args, **(kwargs or {}))

    class Refusing(overrides.TorchFunctionMode):
        def __repr__(self) -> str:
            return "Refusing()"

        def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore
            return NotImplemented

    with Noting("outer"), Noting("inner"):
        y = torch.zeros(2)
        y = y + 1
        y[0]
        torch.nn.functional.relu(y)
        y.view(-1).add_(1)
        torch.tensor([1.0])
    found = [*lines, attempt(lambda: (y + 1).tolist())]
    with Swapping():
        found.append(torch.add(torch.ones(1), 3).tolist())
    with Refusing():
        found.append(attempt(lambda: torch.zeros(2)))
    found.append(torch.add(torch.ones(1), 3).tolist())
    return found


@program
def functions_of_ones_own(torch: Any) -> Any:
    overrides = torch.overrides

    def scaled(x: Any, factor: float = 2.0) -> Any:
        if overrides.has_torch_function_unary(x):
            return overrides.handle_torch_function(scaled, (x,), x, factor=factor)
        return x * factor

    @overrides.wrap_torch_function(lambda x: (x,))
    def halved(x: Any) -> Any:
        return x / 2

    class Object:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):  # type: ignore
            return f"{func.__name__} {len(args)} {kwargs}"

    x = torch.ones(1)
    return [
        scaled(x).tolist(),
        scaled(Object()),
        halved(x).tolist(),
        halved(Object()),
        overrides.has_torch_function((x, Object())),
        overrides.has_torch_function((x,)),
        overrides.has_torch_function_variadic(x, Object()),
        overrides.is_tensor_like(Object()),
        overrides.is_tensor_like(3),
    ]


@program
def names(torch: Any) -> Any:
    tensor = torch.Tensor
    functions = [
        *(torch.add, tensor.add, tensor.shape.__get__, torch.nn.functional.relu),
        *(tensor.__getitem__, torch.nn.functional.linear, torch.split, tensor.T.__get__),
        *(torch.linalg.inv, torch.special.erf, tensor.grad.__set__, torch.fft.fft, len),
    ]
    overrides = torch.overrides
    return [
        [overrides.resolve_name(each) for each in functions],
        [overrides.is_tensor_method_or_property(each) for each in functions],
        torch.add in overrides.get_overridable_functions()[torch],
        torch.tensor in overrides.get_ignored_functions(),
        torch.add in overrides.get_testing_overrides(),
        overrides.get_testing_overrides()[torch.add](1, 2),
    ]


@program
def wrong_subclasses(torch: Any) -> Any:
    class Marked(torch.Tensor):
        pass

    x = torch.ones(2)
    integers = torch.ones(2, dtype=torch.int64)
    return [
        attempt(lambda: torch.Tensor._make_subclass(int, x)),
        attempt(lambda: x.as_subclass(int)),
        attempt(lambda: torch.Tensor._make_subclass(Marked, integers, True)),
        attempt(lambda: x.as_subclass(Marked)),
        attempt(lambda: torch.Tensor.__torch_function__(torch.add, (int,), (x, x))),
        attempt(lambda: type(torch.Tensor.__torch_function__(torch.add, (), (x, x))).__name__),
    ]


def answers(torch: Any) -> dict[str, Any]:
    """Return what each program answers."""
    return {name: run(torch) for name, run in PROGRAMS.items()}
