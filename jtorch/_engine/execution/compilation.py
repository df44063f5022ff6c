"""How a program becomes an executable: two tiers with equal bits.

A small program that is run for the first time is compiled the cheap way; when it has been run
``HOT_RUNS`` times a daemon thread compiles it once more at full optimisation, from the same lowered
program, and puts the result in its place. A large program is compiled at full optimisation at once:
cheap code of it might run for long.

The tiers earn their keep (milliseconds to compile on jaxlib 0.10.2, two busy cores, after 4 to 11
for tracing and lowering):

=============================  ====  ====  =====
operators                         1     5     20
=============================  ====  ====  =====
full, with our options           30   160    244
cheap                            17    79    191
LLVM at level 0, not used         8    15     27
=============================  ====  ====  =====

*Equal bits.* Level 0 would be cheaper still, but does not contract ``x * y + z`` into one rounding:
20 of 40 programs of random arithmetic gave other bits than full optimisation. A user would see
that: ``torch.equal`` of the first and a later evaluation of the same model, or of two trainings
from the same seed, would be false, and which step changes over would depend on the machine's load.
Level 1 changed the bits of 34 of 150 programs, vectors of 64 bits those of 3. At the full level,
without fusion emitters and with vectors of 128 bits, single functions, reductions, products of
matrices, convolutions, sorts and 16-bit types keep their bits. Two things do not: products with a
vector, whose order of summation follows the vector width, and sums of two products, of which either
may be the one contracted. Programs that hold such a thing are compiled fully at once. Of 200
programs of random arithmetic 140 were left, all with equal bits: 23 ms instead of 44 each.

The options (``JTORCH_XLA_OPTIONS``) and what they are for:

- ``xla_cpu_experimental_ynn_fusion_type`` without convolutions: XLA's other convolution is 1.0 to
  3.8 times as fast. In a program with products of matrices inside a loop without products too:
  XLA's other product, called over and over, takes 0.73 to 0.91 of the time (an LSTM step 0.90).
- ``xla_cpu_prefer_vector_width`` 512 where the processor has AVX-512.
- ``xla_allow_excess_precision`` off, always: XLA would otherwise drop the rounding of
  ``x.bfloat16().float()``.

A key that the user has in ``XLA_FLAGS`` is left to the user.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import logging
import math
import os
import queue
import re
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import jax

from ..._core import config, precision
from ..._core.device import CPU
from ..._core.processor import cpu_flags
from ..graph.equations import terms_of
from . import disk_cache, donation, fingerprint, pieces, program_index, stats
from .devices import jax_device

#: Runs after which a program is worth full optimisation.
HOT_RUNS = 4
#: A program above one of these is compiled at full optimisation at once.
CHEAP_EQUATIONS = 32
CHEAP_ELEMENTS = 1 << 18
#: Seconds that the end of the process waits for a compilation under way: XLA must not be torn down
#: under it.
_LAST_WAIT = 10.0

_log = logging.getLogger("jtorch")


_REDUCTIONS = "LIBRARY_FUSION_TYPE_REDUCE"
_PRODUCTS_TOO = "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"


@functools.cache
def full_options(looped_products: bool) -> dict[str, Any]:
    """Return the compiler options of full optimisation on the CPU.

    Args:
        looped_products: whether the program has products of matrices inside a loop.
    """
    options: dict[str, Any] = {"xla_allow_excess_precision": False}
    if config.XLA_OPTIONS:
        options["xla_cpu_experimental_ynn_fusion_type"] = (
            _REDUCTIONS if looped_products else _PRODUCTS_TOO
        )
        if "avx512f" in cpu_flags():
            options["xla_cpu_prefer_vector_width"] = 512
    return _without_the_users(options)


@functools.cache
def cheap_options(looped_products: bool) -> dict[str, Any]:
    """Return the compiler options of the cheap tier; the argument is that of ``full_options``."""
    return full_options(looped_products) | _without_the_users(
        {
            "xla_cpu_use_fusion_emitters": False,
            "xla_cpu_parallel_codegen_split_count": 1,
            "xla_cpu_prefer_vector_width": 128,
        }
    )


def accelerator_options() -> dict[str, Any]:
    """Return the compiler options on other devices, which have one tier."""
    options: dict[str, Any] = {"xla_allow_excess_precision": False}
    if precision.current().deterministic:
        options["xla_gpu_exclude_nondeterministic_ops"] = True
    return _without_the_users(options)


def _without_the_users(options: dict[str, Any]) -> dict[str, Any]:
    flags = {word.lstrip("-").partition("=")[0] for word in os.environ.get("XLA_FLAGS", "").split()}
    return {key: value for key, value in options.items() if key not in flags}


def compile_first(program: Any, arguments: list, device: Any) -> Callable:
    """Compile a program for its first run.

    Args:
        program: the program; its ``lowered`` is set where it may be optimised later.
        arguments: what it is called with this time.
        device: the Device that it runs on.
    Returns:
        The executable.
    """
    start = time.perf_counter()
    disk_cache.prepare()
    digest = _digest(program, arguments, device)
    compiled, cheap = _on_disk(digest, device)
    how = "loaded"
    in_pieces = None
    if compiled is None:
        in_pieces = _in_pieces(program, arguments, device, digest)
    if in_pieces is not None:
        how = f"made of {len(in_pieces.pieces)} pieces"
    elif compiled is None:
        lowered, options, cheap = _lower(program, arguments, device)
        compiled = _compile(lowered, options[cheap], digest, _TIERS[cheap])
        program.lowered = (lambda: (lowered, options[False], digest, FULL)) if cheap else None
        how = "compiled cheaply" if cheap else "compiled fully"
    elif cheap:
        shapes = [jax.ShapeDtypeStruct(each.shape, each.dtype) for each in arguments]
        program.lowered = lambda: _lowered_again(program, shapes, device, digest)
    seconds = time.perf_counter() - start
    with stats.lock:
        stats.counters.programs_compiled += 1
        stats.counters.seconds_compiling += seconds
    if config.LOG:
        _say(f"{how} in {seconds * 1e3:.0f} ms: {program.describe()}")
    if in_pieces is not None:
        program.room = donation.room_for(program, in_pieces)
        return in_pieces
    program.room = donation.room_for(program, compiled)
    return _callable(compiled)


def _in_pieces(program: Any, arguments: list, device: Any, digest: str | None) -> Any:
    """Return a large program that repeats inside as its pieces, ``None`` for any other."""
    if device is not CPU or not pieces.may_repeat(program):
        return None
    from ..interpreter import functions  # only where it is used

    forms = [functions.Form(a.shape, a.dtype) for a in arguments[: len(program.used_inputs)]]
    assembled = functions.assemble_functions(program, forms)
    found = pieces.cut(assembled)
    if found is None:
        return None

    def compile_one(
        function: Callable, shapes: list, overwritten: tuple[int, ...], number: int
    ) -> tuple[Callable, Any]:
        own = None if digest is None else f"{digest}-{number}"
        compiled = None if own is None else program_index.find(own, FULL, device)
        if compiled is None:
            with _on(device):
                traced = jax.jit(function, donate_argnums=overwritten).trace(*shapes)
                lowered = traced.lower()
            cost = _Cost()
            cost.add(traced.jaxpr.jaxpr)
            compiled = _compile(lowered, full_options(cost.looped_products), own, FULL)
        return _callable(compiled), compiled.memory_analysis()

    return pieces.compile_pieces(program, assembled, found, compile_one)


#: What the tiers are called on disk; the index says whether it is the cheap one.
_TIERS = ("full", "cheap")
FULL = _TIERS[False]


def _digest(program: Any, arguments: list, device: Any) -> str | None:
    """Return the name under which the program is on disk, if it has one."""
    if not program_index.is_enabled():
        return None
    return fingerprint.digest(program, arguments, device)


def _on_disk(digest: str | None, device: Any) -> tuple[Any, bool]:
    """Return a program that an earlier process compiled, or ``None``; and whether it is cheap."""
    if digest is not None:
        for cheap in (False, True) if config.TIERS else (False,):
            compiled = program_index.find(digest, _TIERS[cheap], device)
            if compiled is not None:
                return compiled, cheap
    return None, False


def _lower(
    program: Any, arguments: list, device: Any
) -> tuple[Any, tuple[dict[str, Any], dict[str, Any]], bool]:
    """Trace and lower a program.

    Returns:
        The lowered program, the options of both tiers, and whether the cheap one will do.
    """
    with _on(device):
        traced = jax.jit(program.function, donate_argnums=program.donated).trace(*arguments)
        lowered = traced.lower()
    if device.type != "cpu" and jax_device(device).platform != "cpu":
        options = accelerator_options()
        return lowered, (options, options), False
    cost = _Cost()
    cost.add(traced.jaxpr.jaxpr)
    looped = cost.looped_products
    # What was interpreted until it had earned the compiler is hot already.
    cheap = config.TIERS and config.EXECUTION == "compile" and cost.is_small()
    return lowered, (full_options(looped), cheap_options(looped)), cheap


def _lowered_again(program: Any, shapes: list, device: Any, digest: str | None) -> tuple:
    lowered, options, _ = _lower(program, shapes, device)
    return lowered, options[False], digest, FULL


#: Options that the installed XLA does not have (0.11 dropped ``xla_cpu_use_fusion_emitters``), as
#: far as they were asked for; on disk too, so that each is asked for once. A fork inherits them.
_unknown_options: set[str] = set()
_UNKNOWN_OPTION = re.compile(r"No such compile option: '(\w+)'")


def _compile(lowered: Any, options: dict[str, Any], digest: str | None, tier: str) -> Any:
    """Compile with the options that the installed XLA has, and keep the program on disk."""
    _unknown_options.update(disk_cache.unknown_options())
    while True:
        known = {key: value for key, value in options.items() if key not in _unknown_options}
        program_index.begin()
        try:
            compiled = lowered.compile(compiler_options=known)
        except jax.errors.JaxRuntimeError as error:
            unknown = _UNKNOWN_OPTION.search(str(error))
            if unknown is None or unknown[1] in _unknown_options:
                raise
            _unknown_options.add(unknown[1])
            disk_cache.note_unknown_options(_unknown_options)
            continue
        if digest is not None:
            program_index.store(digest, tier, lowered, compiled)
        return compiled


def _callable(compiled: Any) -> Callable:
    """Return the quickest way to call a compiled program that JAX offers.

    ``Compiled`` keeps its own fast path behind a Python method, which costs 0.4 us a call.
    """
    make = getattr(getattr(compiled, "_executable", None), "create_cpp_call", None)
    try:
        call = make(compiled._params) if make is not None else None
    except Exception:
        call = None
    return compiled if call is None else call


def _on(device: Any) -> Any:
    """Return the context in which arrays without a device of their own go to this one."""
    if device is CPU and jax.default_backend() == "cpu":
        return contextlib.nullcontext()
    return jax.default_device(jax_device(device))


#: What ends with a multiplication, or may.
_PRODUCTS = frozenset(
    (
        "mul", "div", "integer_pow", "square", "pow", "exp", "exp2", "expm1", "log",
        "log1p", "tanh", "logistic", "sin", "cos", "tan", "erf", "erfc", "erf_inv", "sqrt",
        "rsqrt", "cbrt", "sinh", "cosh", "asinh", "acosh", "atanh", "asin", "acos", "atan",
        "atan2", "lgamma", "digamma", "jit", "pjit", "custom_jvp_call", "custom_vjp_call",
        "select_n",
    )
)  # fmt: skip
_SAME_ELEMENTS = frozenset(
    (
        "neg", "copy", "broadcast_in_dim", "reshape", "squeeze", "expand_dims", "transpose",
        "rev", "slice", "dynamic_slice", "convert_element_type", "concatenate", "pad",
        "gather", "reduce_precision",
    )
)  # fmt: skip


class _Cost:
    """What a program costs, read from its JAX equations.

    Attributes:
        equations: their number, those of inner functions and loop bodies included.
        elements: numbers computed; sixteen multiplications of a product count as one.
        same_bits: whether both tiers are sure to round alike: no product has a side of one row or
            column, and no sum has two products for terms, of which either may be contracted.
        looped_products: whether a loop holds a product of matrices.
    """

    def __init__(self) -> None:
        self.equations = 0
        self.elements = 0.0
        self.same_bits = True
        self.looped_products = False
        self.products: set[Any] = set()

    def is_small(self) -> bool:
        return (
            self.equations <= CHEAP_EQUATIONS and self.elements <= CHEAP_ELEMENTS and self.same_bits
        )

    def add(self, jaxpr: Any, times: float = 1, looped: bool = False) -> None:
        """Count the equations of a jaxpr that runs ``times`` times, ``looped`` if inside a loop."""
        for equation in jaxpr.eqns:
            name, params = equation.primitive.name, equation.params
            self.equations += 1
            work = sum(variable.aval.size for variable in equation.outvars)
            if name == "dot_general":
                work *= terms_of(equation) / 16
                self._note_vectors(equation)
                self.looped_products |= looped
            elif name == "conv_general_dilated":
                work *= terms_of(equation) / 16
            elif name in ("add", "sub", "add_any") and all(map(self._is_product, equation.invars)):
                self.same_bits = False
            if name in _PRODUCTS or (
                name in _SAME_ELEMENTS and self._is_product(equation.invars[0])
            ):
                self.products.update(equation.outvars)
            self.elements += work * times
            repeats = params.get("length", 1) if name == "scan" else 1
            if name == "while":
                repeats = CHEAP_ELEMENTS  # as often as its data say: not small
            for value in params.values():
                for inner in value if isinstance(value, (tuple, list)) else (value,):
                    inner = getattr(inner, "jaxpr", inner)
                    if hasattr(inner, "eqns"):
                        self.add(inner, times * repeats, looped or name in ("scan", "while"))

    def _is_product(self, variable: Any) -> bool:
        # A literal has a value, and is not hashable.
        return not hasattr(variable, "val") and variable in self.products

    def _note_vectors(self, equation: Any) -> None:
        """Note whether a side of a product is a vector."""
        contract, batch = equation.params["dimension_numbers"]
        for side, variable in enumerate(equation.invars[:2]):
            shape = variable.aval.shape
            inside = (*contract[side], *batch[side])
            if math.prod(size for d, size in enumerate(shape) if d not in inside) == 1:
                self.same_bits = False


class Ahead:
    """A program that another thread compiles before it is needed.

    Args:
        program: interpreted so far; what it donates is planned already.
        arguments: arrays of the shapes and dtypes that it is called with.
        device: the Device that it runs on.
    """

    def __init__(self, program: Any, arguments: list, device: Any):
        self.program = program
        self.shapes = [jax.ShapeDtypeStruct(array.shape, array.dtype) for array in arguments]
        self.device = device
        self.call: Callable | None = None
        self.begun = False
        self.done = threading.Event()
        self.lock = threading.Lock()

    def begin(self) -> bool:
        """Return whether the caller is the one who compiles it."""
        with self.lock:
            first, self.begun = not self.begun, True
        return first

    def run(self) -> None:
        if not self.begin():
            return
        try:
            self.call = compile_first(self.program, self.shapes, self.device)
        finally:
            self.done.set()

    def take(self) -> Callable | None:
        """Return the executable, waiting where it is under way; ``None`` where there is none."""
        if self.begin():
            return None
        self.done.wait()
        return self.call


class _Optimiser:
    """The thread that compiles ahead and recompiles hot programs; it starts when there is one."""

    def __init__(self) -> None:
        self._start_over()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._start_over)

    def _start_over(self) -> None:
        self.queue: queue.SimpleQueue = queue.SimpleQueue()
        self.thread: threading.Thread | None = None
        self.lock = threading.Lock()
        self.ending = self.abandoned = False
        self.waiting = 0

    def submit(self, task: Callable[[], None]) -> None:
        """Put a task in the queue, unless the process is ending."""
        with self.lock:
            if self.ending:
                return
            self.waiting += 1
            self.queue.put(task)
            if self.thread is None:
                self.thread = threading.Thread(
                    target=self._work, name="jtorch-optimiser", daemon=True
                )
                self.thread.start()
                atexit.register(self._end)

    def _work(self) -> None:
        disk_cache.prune_if_due()
        while True:
            task = self.queue.get()
            if task is None or self.ending:
                return
            try:
                task()
            except Exception as error:  # what runs so far goes on running
                _log.debug("a program could not be compiled in the background: %s", error)
            finally:
                with self.lock:
                    self.waiting -= 1
                del task

    def _end(self) -> None:
        self.ending = True
        self.queue.put(None)
        thread = self.thread
        if thread is not None and thread is not threading.current_thread() and not self.abandoned:
            thread.join(_LAST_WAIT)

    def wait(self, timeout: float) -> bool:
        """Wait until nothing is in the queue or being compiled; return whether that came true."""
        end = time.monotonic() + timeout
        while self.waiting:
            if time.monotonic() > end:
                return False
            time.sleep(0.005)
        return True


_optimiser = _Optimiser()


def optimise_later(program: Any) -> None:
    """Compile a hot program at full optimisation, on another thread."""
    _optimiser.submit(functools.partial(_optimise, program))


def compile_ahead(program: Any, arguments: list, device: Any) -> Ahead:
    """Compile a program that is interpreted so far, on another thread."""
    task = Ahead(program, arguments, device)
    _optimiser.submit(task.run)
    return task


def is_compiling() -> bool:
    """Tell whether another thread is compiling, or will be."""
    return _optimiser.waiting > 0


def abandon() -> None:
    """Begin nothing new, and do not wait at the end of the process for what was begun."""
    _optimiser.ending = _optimiser.abandoned = True


def wait_until_optimised(timeout: float = 60.0) -> bool:
    """Wait until every hot program runs at full optimisation.

    Args:
        timeout: seconds to wait at most.
    Returns:
        Whether they all do.
    """
    return _optimiser.wait(timeout)


def _optimise(program: Any) -> None:
    waiting, program.lowered = program.lowered, None
    if waiting is None:
        return
    start = time.perf_counter()
    call = _callable(_compile(*waiting()))
    seconds = time.perf_counter() - start
    program.call = call
    with stats.lock:
        stats.counters.programs_optimised += 1
        stats.counters.seconds_optimising += seconds
    if config.LOG:
        _say(f"optimised in {seconds * 1e3:.0f} ms: {program.describe()}")


def _say(words: str) -> None:
    print(f"jtorch: {words}", file=sys.stderr)
