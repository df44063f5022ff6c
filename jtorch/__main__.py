"""Run a PyTorch program on jtorch: ``python -m jtorch script.py``, ``-m module`` or ``-c code``."""

from __future__ import annotations

import builtins
import contextlib
import gc
import os
import sys
from collections.abc import Callable
from importlib.machinery import BuiltinImporter, SourceFileLoader, SourcelessFileLoader
from importlib.util import MAGIC_NUMBER
from types import CodeType, ModuleType, TracebackType
from typing import Any

from ._core import traceback_filter
from ._launch.hook import (
    _install,
    follow_into_spawned_processes,
    follow_into_started_pythons,
)
from ._version import TORCH_VERSION, __version__

HELP = """\
usage: python [option] ... -m jtorch [-c code | -m module | script.py | folder | -] [argument] ...

Run a Python program in which `import torch` gives jtorch: PyTorch's public face over JAX.

  script.py      run a file, or a folder or zip file that holds __main__.py
  -m module      run a module as `python -m module` does
  -c code        run the code
  -              read the program from standard input (what happens without arguments, too)
  doctor         print what jtorch runs on, for a report of a bug; `doctor --help` says more.
                 A file or folder of that name is run instead, as is `-- doctor`
  -h, --help     show this and stop
  -V, --version  show the version and stop

Options of the interpreter (-W, -X, -O, ...) go before -m jtorch.
JTORCH_FULL_TRACEBACK=1 shows the frames of jtorch and JAX in tracebacks, which are left out
otherwise. Processes that the program starts by multiprocessing run on jtorch as well, those that it
starts by subprocess only where their command line says so.
"""


#: New objects after which Python looks for garbage among them, instead of its usual 700. What is
#: recorded for the first time stays, some ten objects an operator: to look at it that often was a
#: sixth of the time of a program that never repeats.
_YOUNG_OBJECTS = 10_000


def main(arguments: list[str]) -> None:
    """Run a program on jtorch, as the interpreter would run it.

    Args:
        arguments: what stands behind ``python -m jtorch`` on the command line.
    """
    option = arguments[0] if arguments else "-"
    if option in ("-h", "--help"):
        print(HELP, end="")
    elif option in ("-V", "--version"):
        print(f"jtorch {__version__} (torch {TORCH_VERSION})")
    elif option[:2] in ("-c", "-m"):
        # The interpreter, too, takes both -mmodule and -m module.
        rest = [option[2:]] * bool(option[2:]) + arguments[1:]
        if not rest:
            _give_up(f"Argument expected for the {option[:2]} option", 2)
        (_run_command if option[:2] == "-c" else _run_module)(rest[0], rest[1:])
    elif option == "-":
        _run_standard_input(arguments[1:], named=bool(arguments))
    elif option == "--" and len(arguments) > 1:
        _run_path(arguments[1], arguments[2:])
    elif option == "doctor" and not os.path.lexists(option):
        from ._launch import doctor

        raise SystemExit(doctor.main(arguments[1:]))
    elif option.startswith("-"):
        _give_up(f"unknown option {option} (those of the interpreter go before -m jtorch)", 2)
    else:
        _run_path(option, arguments[1:])


def _give_up(words: str, status: int) -> None:
    print(f"{sys.orig_argv[0]}: {words}", file=sys.stderr)
    raise SystemExit(status)


def _new_main_module() -> ModuleType:
    """Put a fresh ``__main__`` in place of this one; it stays, as the interpreter's would."""
    module = ModuleType("__main__")
    module.__builtins__ = builtins  # type: ignore[attr-defined]
    if sys.version_info < (3, 14):
        module.__annotations__ = {}
    sys.modules["__main__"] = module
    return module


def _set_first_path(path: str) -> None:
    if not sys.flags.safe_path:
        sys.path[0] = path


def _as_program(run: Callable[[], Any]) -> None:
    """Run the program; see to it that an exception that ends it shows the user's frames alone."""
    _install()
    follow_into_spawned_processes()
    follow_into_started_pythons()
    _filter_exceptions_of_threads()
    gc.freeze()  # nothing of the program's yet: full collections need not look at the library
    often, *rest = gc.get_threshold()
    if 0 < often < _YOUNG_OBJECTS:
        gc.set_threshold(_YOUNG_OBJECTS, *rest)
    try:
        run()
    except SystemExit as left:
        if left.code is None or isinstance(left.code, int):
            _leave_compiler(left.code or 0)
        raise
    except BaseException as error:
        # The frames above this one join the traceback only on its way up, so it is filtered by
        # whoever shows it. That may be a hook of the program's own.
        ending, own_traceback = error, error.__traceback__
        shown_by = sys.excepthook

        def show(kind: type[BaseException], value: BaseException, traceback: Any) -> None:
            if value is ending and not traceback_filter.shows_everything():
                value.__traceback__ = own_traceback
                traceback_filter.strip(value)
                traceback = sys.last_traceback = value.__traceback__
            sys.excepthook = shown_by
            try:
                shown_by(kind, value, traceback)
            except SystemExit:
                raise
            except BaseException as broken:
                _show_broken_hook(broken, value)

        sys.excepthook = show
        raise
    _leave_compiler(0)


def _leave_compiler(status: int) -> None:
    """End the process without waiting for a program that is compiled ahead and not needed any more.

    The interpreter would be torn down under a thread that is inside of XLA.
    """
    compilation = sys.modules.get("jtorch._engine.execution.compilation")
    if compilation is None or not compilation.is_compiling():
        return
    import atexit
    import threading

    threading._shutdown()  # type: ignore[attr-defined]
    compilation.abandon()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(status & 0xFF)


def _show_broken_hook(broken: BaseException, original: BaseException) -> None:
    """Say what the interpreter says where the program's ``sys.excepthook`` fails."""
    show = sys.__excepthook__
    print("Error in sys.excepthook:", file=sys.stderr)
    show(type(broken), traceback_filter.strip(broken), broken.__traceback__)
    print("\nOriginal exception was:", file=sys.stderr)
    show(type(original), original, original.__traceback__)


def _filter_exceptions_of_threads() -> None:
    import threading

    show = threading.excepthook

    def excepthook(args: Any) -> None:
        if args.exc_value is not None:
            traceback_filter.strip(args.exc_value)
            traceback: TracebackType | None = args.exc_value.__traceback__
            args = threading.ExceptHookArgs((args.exc_type, args.exc_value, traceback, args.thread))
        show(args)

    threading.excepthook = excepthook


def _run_path(path: str, arguments: list[str]) -> None:
    from pkgutil import get_importer

    sys.argv[:] = [path, *arguments]
    absolute = os.path.abspath(path)
    if get_importer(absolute) is not None:  # a folder or a zip file
        _run_folder(absolute)
        return
    try:
        with open(absolute, "rb") as file:
            source = file.read()
    except OSError as error:
        words = f"can't open file {absolute!r}: [Errno {error.errno}] {error.strerror}"
        _give_up(words, 2)
    _set_first_path(os.path.dirname(os.path.realpath(absolute)))
    compiled = source.startswith(MAGIC_NUMBER)
    loader = (SourcelessFileLoader if compiled else SourceFileLoader)("__main__", absolute)

    def run() -> None:
        code = loader.get_code("__main__") if compiled else compile(source, absolute, "exec")
        module = _new_main_module()
        module.__file__ = absolute
        module.__loader__ = loader
        module.__cached__ = None  # type: ignore[attr-defined]
        _execute(code, module)

    _as_program(run)


def _execute(code: CodeType | None, module: ModuleType) -> None:
    assert code is not None
    exec(code, module.__dict__)


def _run_folder(path: str) -> None:
    # The interpreter itself runs modules and folders by this function of runpy's.
    from runpy import _run_module_as_main  # type: ignore[attr-defined]

    if sys.flags.safe_path:
        sys.path.insert(0, path)
    else:
        sys.path[0] = path
    _new_main_module()
    _as_program(lambda: _run_module_as_main("__main__", alter_argv=False))


def _run_module(name: str, arguments: list[str]) -> None:
    from runpy import _run_module_as_main  # type: ignore[attr-defined]

    sys.argv[:] = ["-m", *arguments]
    _new_main_module()
    _as_program(lambda: _run_module_as_main(name))


def _run_text(source: str | bytes, file: str) -> None:
    _set_first_path("")

    def run() -> None:
        code = compile(source, file, "exec")
        if sys.version_info >= (3, 13) and file == "<string>":
            # From 3.13 on the interpreter shows the lines of -c in tracebacks.
            import linecache

            lines = str(source).splitlines(keepends=True)
            linecache.cache[file] = (len(source), None, lines, file)
        module = _new_main_module()
        module.__loader__ = BuiltinImporter
        if file == "<stdin>":
            module.__file__ = file
            module.__cached__ = None  # type: ignore[attr-defined]
        _execute(code, module)

    _as_program(run)


def _run_command(source: str, arguments: list[str]) -> None:
    sys.argv[:] = ["-c", *arguments]
    _run_text(source + "\n", "<string>")


def _run_standard_input(arguments: list[str], named: bool) -> None:
    sys.argv[:] = ["-" if named else "", *arguments]
    if not sys.stdin.isatty():
        _run_text(sys.stdin.buffer.read(), "<stdin>")
        return
    import code

    _set_first_path("")
    _install()
    follow_into_spawned_processes()
    follow_into_started_pythons()
    banner = f"Python {sys.version} on {sys.platform}\njtorch {__version__}: torch is jtorch here."
    with _line_editing():
        code.interact(banner, local=_new_main_module().__dict__, exitmsg="")


def _line_editing() -> Any:
    import contextlib

    with contextlib.suppress(ImportError):
        import readline
        import rlcompleter  # noqa: F401

        readline.parse_and_bind("tab: complete")
    return contextlib.nullcontext()


if __name__ == "__main__":
    main(sys.argv[1:])
