"""Modules as StableHLO: for every size of some dimensions, in files, without jtorch."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtorch as torch
from jtorch import export as torch_export
from jtorch import interop, nn


def close(ours, theirs, tolerance=1e-5):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), tolerance, tolerance)


def numbers(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_a_program_of_numbers():
    layer = nn.Linear(3, 2)
    x = numbers(4, 3)
    program = interop.export(layer, (torch.as_tensor(x),))
    close(program.call(x), x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy())
    assert "stablehlo.dot_general" in program.mlir_module()
    with pytest.raises(ValueError, match="Shape mismatch"):
        program.call(numbers(5, 3))


class Mixed(nn.Module):
    """What depends on sizes in many ways: counts, means, masks, positions, reshapes."""

    def forward(self, x):
        length = x.shape[1]
        mask = torch.triu(torch.ones(length, length), 1).bool()
        position = torch.arange(length)
        y = x.mean(1, keepdim=True) + position + x.masked_fill(mask[0], 0.0).sum(0) / x.shape[0]
        both = torch.cat([y, y.flip(1)], 1).view(-1).softmax(0)
        return {"both": both, "spread": (x.var(1), x.std()), "scaled": x / x.numel() ** 0.5}


MODULES = {
    "linear": (lambda: nn.Linear(3, 2), "b, 3", [(1, 3), (6, 3)]),
    "leading dimensions": (lambda: nn.Linear(3, 2), "b, s, 3", [(1, 1, 3), (2, 5, 3)]),
    "convolution": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
        ),
        "b, 3, 8, 8",
        [(1, 3, 8, 8), (5, 3, 8, 8)],
    ),
    "transformer": (
        lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
        "b, s, 8",
        [(1, 7, 8), (3, 4, 8)],
    ),
    "lstm": (lambda: nn.LSTM(3, 4, batch_first=True), "b, s, 3", [(1, 7, 3), (3, 4, 3)]),
    "gru": (lambda: nn.GRU(3, 4, 2, bidirectional=True), "s, b, 3", [(7, 1, 3), (4, 3, 3)]),
    "mixed": (Mixed, "b, s", [(2, 7), (4, 4), (9, 2)]),
}


@pytest.mark.parametrize("name", MODULES)
def test_symbolic_sizes(name):
    make, shape, tried = MODULES[name]
    torch.manual_seed(0)
    module = make()
    apply, params, buffers = interop.functional(module)
    example = [4 if part.isalpha() else int(part) for part in shape.split(", ")]
    program = interop.export(module, (torch.zeros(example),), shapes=(shape,))
    for sizes in tried:
        x = numbers(*sizes)
        jax.tree.map(close, program.call(x), apply(params, buffers, x)[0])


def test_training_statistics_for_every_batch():
    module = nn.BatchNorm1d(3)
    program = interop.export(module, (torch.zeros(4, 3),), shapes=("b, 3",), train=True)
    x = numbers(9, 3)
    close(program.call(x), (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5), 1e-4)


def test_a_size_that_decides_what_is_run_is_refused():
    class Uneven(nn.Module):
        def forward(self, x):
            return x.sum(0) if x.shape[0] % 2 else x.mean(0)

    with pytest.raises(ValueError, match="otherwise than as a polynomial"):
        interop.export(Uneven(), (torch.zeros(4, 3),), shapes=("b, 3",))
    with pytest.raises(ValueError, match="otherwise than as a polynomial"):
        interop.export(nn.AvgPool1d(2), (torch.zeros(1, 2, 8),), shapes=("1, 2, n",))
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
        interop.export(nn.Linear(3, 2), (torch.zeros(4, 3),), shapes=("b, c",))


def test_containers_of_arguments():
    class Two(nn.Module):
        def forward(self, batch, scale=None):
            return {"y": batch["x"] @ batch["w"][0] * scale}

    batch = {"x": torch.ones(2, 3), "w": [torch.ones(3, 4)]}
    program = interop.export(
        Two(), (batch,), {"scale": torch.tensor(2.0)}, shapes=({"x": "b, n", "w": ["n, 4"]},)
    )
    given = {"x": numbers(5, 7), "w": [numbers(7, 4)]}
    found = program.call(given, scale=np.float32(2.0))
    close(found["y"], given["x"] @ given["w"][0] * 2)


WITHOUT = """
import sys
import jax, numpy as np
program = jax.export.deserialize(bytearray(open(sys.argv[1], "rb").read()))
print(float(program.call(np.full((5, 3), 2.0, np.float32)).sum()), "jtorch" in sys.modules)
"""


def test_it_runs_without_jtorch(tmp_path):
    pytest.importorskip("flatbuffers")
    layer = nn.Linear(3, 2, bias=False)
    nn.init.constant_(layer.weight, 0.5)
    program = interop.export(layer, (torch.ones(4, 3),), shapes=("b, 3",))
    (tmp_path / "program").write_bytes(program.serialize())
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(tmp_path / "program")], capture_output=True, text=True
    )
    assert ran.stdout == "30.0 False\n", ran.stderr


# torch.export


@pytest.fixture
def module():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU())


def test_a_program_trains_as_the_module_does(module):
    program = torch_export.export(
        module, (torch.ones(5, 3),), dynamic_shapes=({0: torch_export.Dim("batch", min=2)},)
    )
    assert program.range_constraints == {"batch": (2, None)}
    runs = program.module()
    x = torch.tensor(numbers(7, 3), requires_grad=True)
    gradients = []
    for each in (module, runs):
        x.grad = None
        each(x).square().sum().backward()
        gradients.append([x.grad, *[p.grad for p in each.parameters()]])
    for ours, theirs in zip(*gradients, strict=True):
        close(theirs, ours, 1e-4)
    names = {name: tensor for name, tensor in runs.named_buffers()}
    for name, buffer in module.named_buffers():
        close(names[name], buffer)
    assert [name for name, _ in runs.named_parameters()] == [
        name for name, _ in module.named_parameters()
    ]


def test_a_saved_program_is_loaded(module, tmp_path):
    pytest.importorskip("flatbuffers")
    module.eval()
    program = torch_export.export(module, (torch.ones(5, 3),), dynamic_shapes={"input": {0: BATCH}})
    torch_export.save(program, tmp_path / "program.pt2", extra_files={"notes": "two layers"})
    extra = {"notes": ""}
    again = torch_export.load(tmp_path / "program.pt2", extra_files=extra)
    assert extra == {"notes": "two layers"}
    assert again.range_constraints == {"batch": (0, 9)}
    assert list(again.state_dict) == list(program.state_dict)
    x = torch.tensor(numbers(7, 3), requires_grad=True)
    runs = again.module()
    y = runs(x)
    close(y.detach(), module(x).detach())
    y.sum().backward()
    ours = x.grad.clone()
    x.grad = None
    module(x).sum().backward()
    close(ours, x.grad)
    weight = runs.get_parameter("0.weight")
    close(weight.grad, module[0].weight.grad)


BATCH = torch_export.Dim("batch", max=9)


def test_sizes_that_do_not_vary_are_guarded(module):
    program = torch_export.export(module, (torch.ones(5, 3),), dynamic_shapes=({0: BATCH},))
    with pytest.raises(AssertionError, match=r"^Guard failed: input.size\(\)\[1\] == 3$"):
        program.module()(torch.ones(5, 4))
    fixed = torch_export.export(module, (torch.ones(5, 3),))
    with pytest.raises(AssertionError, match=r"^Guard failed: input.size\(\)\[0\] == 5$"):
        fixed.module()(torch.ones(4, 3))


def test_automatic_sizes_become_numbers_where_they_have_to():
    auto = torch_export.Dim.AUTO
    program = torch_export.export(
        nn.AvgPool1d(2), (torch.ones(2, 3, 8),), dynamic_shapes=({0: auto, 2: auto},)
    )
    assert len(program.range_constraints) == 1
    assert program.module()(torch.ones(5, 3, 8)).shape == (5, 3, 4)
    with pytest.raises(AssertionError, match=r"size\(\)\[2\] == 8"):
        program.module()(torch.ones(5, 3, 6))


def test_what_is_refused(module):
    program = torch_export.export(module, (torch.ones(5, 3),))
    with pytest.raises(RuntimeError, match="Unable to call ExportedProgram directly"):
        program(torch.ones(5, 3))
    for use in (
        lambda: program.graph,
        lambda: program.graph_module,
        lambda: program.graph_signature,
        lambda: program.run_decompositions(),
        lambda: BATCH * 2,
        lambda: program.module().eval(),
    ):
        with pytest.raises(NotImplementedError):
            use()
    with pytest.raises(ValueError, match=r"an instance of `torch\.nn\.Module`"):
        torch_export.export(torch.relu, (torch.ones(2),))
    with pytest.raises(torch._dynamo.exc.UserError, match="Expecting `args` to be a tuple"):
        torch_export.export(module, torch.ones(5, 3))
    with pytest.raises(torch._dynamo.exc.UserError, match="Unexpected dimension mapped to index 0"):
        torch_export.export(module, (torch.ones(5, 3),), dynamic_shapes={"input": {0: "batch"}})
    with pytest.raises(TypeError, match="must be an instance of 'ExportedProgram', got 'Linear'"):
        torch_export.save(module[0], io.BytesIO())
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("archive/archive_format", "pt2")
    with pytest.raises(NotImplementedError, match="ATen"):
        torch_export.load(other)


def test_dims_print_as_pytorchs():
    assert repr(BATCH) == "Dim('batch', min=0, max=9)"
    assert repr(torch_export.Dim("n", min=4)) == "Dim('n', min=4)"
    assert repr(torch_export.Dim.AUTO) == "DimHint(AUTO)"
    assert [d.__name__ for d in torch_export.dims("a", "b", max=3)] == ["a", "b"]
    with pytest.raises(AssertionError, match="inconsistent min=3, max=2"):
        torch_export.Dim("n", min=3, max=2)


@pytest.mark.oracle
def test_words_are_pytorchs():
    real = pytest.importorskip("torch")
    import torch.export

    for use in (
        lambda t, e: e.export(len, (t.ones(2),)),
        lambda t, e: repr(e.Dim("n", min=4, max=7)),
        lambda t, e: repr(e.Dim("n", max=7)),
        lambda t, e: repr(e.Dim.DYNAMIC),
        lambda t, e: e.Dim("n", min=3, max=2),
        lambda t, e: e.save(1, io.BytesIO()),
        lambda t, e: e.export(t.nn.ReLU(), (t.ones(2),))(t.ones(2)),
    ):
        outcomes = []
        for torch_, export in ((real, torch.export), (sys.modules["jtorch"], torch_export)):
            try:
                outcomes.append(use(torch_, export))
            except Exception as error:
                outcomes.append((type(error).__name__, str(error)))
        assert outcomes[0] == outcomes[1]


def test_a_pure_function_is_exported_by_jax_itself():
    exported = jax.export.export(jax.jit(interop.as_jax(lambda x: x.softmax(0))))(
        jax.ShapeDtypeStruct((3,), jnp.float32)
    )
    close(exported.call(jnp.zeros(3, jnp.float32)), np.full(3, 1 / 3))
