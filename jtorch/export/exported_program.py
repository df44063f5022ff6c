"""Exported programs, and their files."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from typing import IO, Any

from .. import serialization
from .._runtime import absent as _absent
from .._tensor.tensor import Tensor
from ..func._trees import flatten
from ..interop import _export as _programs
from ..interop import as_operator
from ..nn.modules.module import Module
from ..nn.parameter import Parameter
from .dynamic_shapes import Varying, user_error, varying

#: The marker of a file that ``save`` wrote.
_FORMAT = "jtorch.export: StableHLO"
_REASON = "jtorch exports StableHLO, which has no graph of ATen's operators to look at or to change"


class ExportedProgram:
    """A module that was exported: a program, and its parameters and buffers beside it.

    Attributes:
        state_dict: parameters and buffers by name.
        example_inputs: what it was exported with, ``(args, kwargs)``; ``None`` after ``load``.
        range_constraints: the least and the largest of each size that may vary, by name.
    """

    __module__ = "torch.export.exported_program"

    def __init__(
        self,
        program: Any,
        state_dict: dict[str, Tensor],
        parameters: list[str],
        range_constraints: dict[str, tuple[int, int | None]],
        sizes: list[tuple[str, list[Any]]],
        example_inputs: Any = None,
    ):
        self._program = program
        self._parameters = parameters
        self._sizes = sizes
        self.state_dict = state_dict
        self.range_constraints = range_constraints
        self.example_inputs = example_inputs

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Unable to call ExportedProgram directly. You should use `exported_program.module()` "
            "instead."
        )

    def __str__(self) -> str:
        return f"ExportedProgram:\n{self._program.mlir_module()}"

    def named_parameters(self) -> Any:
        """Yield the parameters with their names."""
        yield from ((name, self.state_dict[name]) for name in self._parameters)

    def parameters(self) -> Any:
        """Yield the parameters."""
        for _, tensor in self.named_parameters():
            yield tensor

    def named_buffers(self) -> Any:
        """Yield the buffers with their names."""
        known = set(self._parameters)
        yield from ((name, t) for name, t in self.state_dict.items() if name not in known)

    def buffers(self) -> Any:
        """Yield the buffers."""
        for _, tensor in self.named_buffers():
            yield tensor

    def module(self, check_guards: bool = True) -> Module:
        """Return a module that runs the program, with the parameters and buffers.

        Args:
            check_guards: whether sizes that cannot vary are checked.
        """
        return _ProgramModule(self, check_guards)

    @property
    def graph_module(self) -> Any:
        """Refused: there is no graph of operators."""
        raise NotImplementedError(f"torch.export.ExportedProgram.graph_module: {_REASON}")

    @property
    def graph(self) -> Any:
        """Refused: there is no graph of operators."""
        raise NotImplementedError(f"torch.export.ExportedProgram.graph: {_REASON}")

    @property
    def graph_signature(self) -> Any:
        """Refused: there is no graph of operators."""
        raise NotImplementedError(f"torch.export.ExportedProgram.graph_signature: {_REASON}")

    def run_decompositions(self, decomp_table: Any = None, **options: Any) -> Any:
        """Refuse: there is no graph of operators."""
        raise NotImplementedError(f"torch.export.ExportedProgram.run_decompositions: {_REASON}")


class _ProgramModule(Module):
    """Runs an exported program."""

    def __init__(self, exported: ExportedProgram, check_guards: bool):
        super().__init__()
        self._exported, self._check_guards = exported, check_guards
        known = set(exported._parameters)
        self._names = list(exported.state_dict)
        for name, tensor in exported.state_dict.items():
            *path, own = name.split(".")
            part: Module = self
            for each in path:
                if each not in part._modules:
                    part.add_module(each, Module())
                part = part._modules[each]  # type: ignore[assignment]
            if name in known:
                grad = tensor.requires_grad
                part.register_parameter(own, Parameter(tensor.detach().clone(), grad))
            else:
                part.register_buffer(own, tensor.detach().clone())
        self._run = as_operator(exported._program.call, name="ExportedProgram")

    def _own(self, name: str) -> Any:
        path, _, own = name.rpartition(".")
        return getattr(self.get_submodule(path), own)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program and take over the buffers that it updates."""
        if self._check_guards:
            _check_sizes(self._exported._sizes, flatten((args, kwargs))[0])
        state = {name: self._own(name) for name in self._names}
        # A gradient keeps what came in, and the buffers are written to below.
        state |= {name: buffer.clone() for name, buffer in self.named_buffers()}
        outputs, updated = self._run(state, args, kwargs)
        for name, tensor in updated.items():
            self._own(name).copy_(tensor.detach())
        return outputs

    def train(self, mode: bool = True) -> Any:
        """Refuse: the program is that of one mode."""
        raise NotImplementedError("Calling train() is not supported yet.")

    def eval(self) -> Any:
        """Refuse: the program is that of one mode."""
        raise NotImplementedError("Calling eval() is not supported yet.")


def _check_sizes(sizes: list[tuple[str, list[Any]]], leaves: list[Any]) -> None:
    tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
    for (name, wanted), tensor in zip(sizes, tensors):
        for place, (size, number) in enumerate(zip(wanted, tensor.shape)):
            if isinstance(size, int) and size != number:
                raise AssertionError(f"Guard failed: {name}.size()[{place}] == {size}")


def export(
    mod: Module,
    args: tuple,
    kwargs: Mapping[str, Any] | None = None,
    *,
    dynamic_shapes: Any = None,
    strict: bool = False,
    preserve_module_call_signature: tuple[str, ...] = (),
    prefer_deferred_runtime_asserts_over_guards: bool = False,
) -> ExportedProgram:
    """Export a module, in the mode that it is in, as a program of StableHLO.

    Args:
        mod: a module that is a pure function, see ``jtorch.interop.functional``: one that draws
            random numbers is exported after ``eval()``.
        args, kwargs: examples of its arguments.
        dynamic_shapes: which sizes may vary: for each argument, by name or in order, a dict or a
            sequence of ``Dim``, ``Dim.DYNAMIC`` (or ``Dim.AUTO``, which may turn out to be a
            number), ``None`` for a number.
        strict, preserve_module_call_signature, prefer_deferred_runtime_asserts_over_guards: of no
            account.
    Raises:
        ValueError: ``mod`` is no module, or depends on a varying size otherwise than as a
            polynomial of it.
    """
    if not isinstance(mod, Module):
        raise ValueError(f"Expected `mod` to be an instance of `torch.nn.Module`, got {type(mod)}.")
    if not isinstance(args, tuple):
        raise user_error(
            f"Expecting `args` to be a tuple of example positional inputs, got {type(args)}"
        )
    named = dict(kwargs or {})
    spec = varying(mod.forward, args, named, dynamic_shapes)
    while True:
        try:
            program = _programs.exported_module(mod, args, named, spec.names, spec.constraints())
            break
        except (ValueError, RuntimeError):  # a size that has to be a number may be one
            if not spec.optional:
                raise
            spec = spec.fixed()
    state = {name: tensor.detach() for name, tensor in mod.named_parameters()}
    parameters = list(state)
    for name, parameter in mod.named_parameters():
        state[name].requires_grad_(parameter.requires_grad)
    state |= {name: tensor.detach() for name, tensor in mod.named_buffers()}
    return ExportedProgram(
        program, state, parameters, spec.bounds, _sizes(mod, args, named, spec), (args, named)
    )


def _sizes(mod: Module, args: tuple, kwargs: dict, spec: Varying) -> list[tuple[str, list]]:
    """Return what messages call each tensor of the arguments, and its sizes or their names."""
    import inspect

    bound = inspect.signature(mod.forward).bind(*args, **kwargs)
    names, tensors = [], []
    for name, value in bound.arguments.items():
        found = [leaf for leaf in flatten(value)[0] if isinstance(leaf, Tensor)]
        names += [
            name if isinstance(value, Tensor) else f"{name}[{at}]" for at in range(len(found))
        ]
        tensors += found
    return [
        (name, [own or size for own, size in zip(sizes, tensor.shape)])
        for name, tensor, sizes in zip(names, tensors, spec.names)
    ]


def save(
    ep: ExportedProgram,
    f: str | os.PathLike[str] | IO[bytes],
    *,
    extra_files: dict[str, Any] | None = None,
    opset_version: dict[str, int] | None = None,
    pickle_protocol: int = 2,
) -> None:
    """Write a program to a file, with its parameters and buffers.

    Args:
        ep: the program.
        f: path, or a file opened to write bytes.
        extra_files: contents by name, which ``load`` gives back.
        opset_version: of no account.
        pickle_protocol: of the parameters.
    Raises:
        ImportError: the package ``flatbuffers`` is not installed.
    """
    if not isinstance(ep, ExportedProgram):
        raise TypeError(
            "The 'ep' parameter must be an instance of 'ExportedProgram', got "
            f"'{type(ep).__name__}' instead."
        )
    state = io.BytesIO()
    serialization.save(ep.state_dict, state, pickle_protocol=pickle_protocol)
    described = {
        "format": _FORMAT,
        "parameters": ep._parameters,
        "requires_grad": [n for n, t in ep.named_parameters() if t.requires_grad],
        "range_constraints": ep.range_constraints,
        "sizes": ep._sizes,
    }
    program = _programs.written(ep._program)
    with zipfile.ZipFile(f, "w") as archive:
        archive.writestr("program.json", json.dumps(described))
        archive.writestr("program.bin", program)
        archive.writestr("state.pt", state.getvalue())
        for name, content in (extra_files or {}).items():
            archive.writestr(f"extra/{name}", content)


def load(
    f: str | os.PathLike[str] | IO[bytes],
    *,
    extra_files: dict[str, Any] | None = None,
    expected_opset_version: dict[str, int] | None = None,
) -> ExportedProgram:
    """Read a program that ``save`` wrote.

    Args:
        f: path, or a file opened to read bytes.
        extra_files: whose values become the contents of these names.
        expected_opset_version: of no account.
    Raises:
        NotImplementedError: PyTorch wrote the file.
        ImportError: the package ``flatbuffers`` is not installed.
    """
    with zipfile.ZipFile(f) as archive:
        if "program.json" not in archive.namelist():
            raise NotImplementedError(
                "torch.export.load: the file holds a graph of ATen's operators, as PyTorch writes "
                "it; jtorch reads what its own torch.export.save wrote, which is StableHLO"
            )
        described = json.loads(archive.read("program.json"))
        program = _programs.read(archive.read("program.bin"))
        state = serialization.load(io.BytesIO(archive.read("state.pt")))
        for name in extra_files or {}:
            extra_files[name] = archive.read(f"extra/{name}").decode()  # type: ignore[index]
    for name in described["requires_grad"]:
        state[name].requires_grad_()
    return ExportedProgram(
        program,
        dict(state),
        described["parameters"],
        {name: tuple(bounds) for name, bounds in described["range_constraints"].items()},
        [(name, sizes) for name, sizes in described["sizes"]],
    )


__getattr__ = _absent.attributes(__name__)
