"""``python -m jtorch`` and the import hook, held against what the interpreter itself does.

Most tests run on a copy of the hook's own files beside a few small modules, so that they hold for
the hook alone and start at once.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

from compat_tests.helpers.paths import PACKAGE

FILES = (
    "_launch/__init__.py",
    "_launch/hook.py",
    "_launch/distutils.py",
    "_launch/homes.json",
    "_launch/pytorch_names.py",
    "_version.py",
    "__main__.py",
    "_core/__init__.py",
    "_core/traceback_filter.py",
)


def write(path: Path, source: str) -> Path:
    """Write a program, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(source))
    return path


@pytest.fixture(scope="session")
def library(tmp_path_factory) -> Path:
    """Return a folder that holds a small package ``jtorch`` with the hook's own files."""
    folder = tmp_path_factory.mktemp("library")
    for name in FILES:
        target = folder / "jtorch" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PACKAGE / name, target)
    write(
        folder / "jtorch" / "__init__.py",
        """
        from . import nn
        from ._launch.hook import install, installed, uninstall
        from ._version import TORCH_VERSION as __version__

        def check(value):
            if value < 0:
                raise ValueError("negative")
        """,
    )
    write(folder / "jtorch" / "nn" / "__init__.py", "class Module: pass\n")
    write(folder / "jtorch" / "nn" / "functional.py", "from . import Module\nrelu = max\n")
    write(folder / "jtorch" / "tool.py", "import sys\nprint(__name__, __spec__.name, sys.argv[1:])")
    write(folder / "jtorch" / "broken.py", "import no_such_module\n")
    return folder


def environment(library: Path | None, **more: str) -> dict[str, str]:
    """Return an environment in which the library is found, and little else is set."""
    keep = {key: os.environ[key] for key in ("PATH", "HOME", "SYSTEMROOT") if key in os.environ}
    found = {"PYTHONPATH": str(library)} if library else {}
    return {**keep, "PYTHONDONTWRITEBYTECODE": "1", **found, **more}


def run(
    library: Path | None,
    *arguments: str,
    cwd: Path,
    stdin: str | None = None,
    options: tuple[str, ...] = (),
    **more: str,
) -> subprocess.CompletedProcess:
    """Run the interpreter; ``library`` on its path, if there is one."""
    return subprocess.run(
        [sys.executable, *options, *arguments],
        cwd=cwd,
        env=environment(library, **more),
        input=stdin if stdin is not None else "",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run_code(library: Path, source: str, cwd: Path) -> str:
    """Run code in a fresh interpreter with the library; return what it prints."""
    finished = run(library, "-c", textwrap.dedent(source), cwd=cwd)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


# --- the hook ---------------------------------------------------------------------------------


def test_torch_and_its_submodules_are_jtorchs(library, tmp_path):
    out = run_code(
        library,
        """
        import sys, jtorch
        jtorch.install()
        assert "torch" in sys.modules
        import torch, torch.nn, torch.nn.functional as F
        from torch.nn import functional, Module
        from torch.nn.functional import relu
        import jtorch.nn.functional
        assert torch is jtorch and torch.nn is jtorch.nn
        assert F is functional is jtorch.nn.functional is sys.modules["torch.nn.functional"]
        assert Module is jtorch.nn.functional.Module
        assert (torch.__name__, torch.__spec__.name, F.__spec__.name) == (
            "torch", "jtorch", "jtorch.nn.functional")
        import importlib
        assert importlib.reload(F) is jtorch.nn.functional
        jtorch.uninstall()
        assert jtorch.__name__ == "jtorch"
        print("fine")
        """,
        tmp_path,
    )
    assert out == "fine\n"


def test_specs_and_missing_modules(library, tmp_path):
    out = run_code(
        library,
        """
        import importlib.util, jtorch, sys
        from jtorch._launch import hook
        hook._install()
        assert "torch" not in sys.modules
        spec = importlib.util.find_spec("torch")
        print(spec.name, spec.origin == jtorch.__file__, "torch" in sys.modules)
        spec = importlib.util.find_spec("torch.nn.functional")
        print(spec.name, spec.submodule_search_locations)
        print(importlib.util.find_spec("torch.foo"), importlib.util.find_spec("torchvision"))
        for name in ("torch.foo", "torch.nn.functional.foo", "torch.foo.bar", "torch.broken"):
            try:
                __import__(name)
            except ModuleNotFoundError as error:
                print(error, "|", error.name)
        print(sorted(n for n in sys.modules if n.startswith("torch.") and "foo" in n))
        """,
        tmp_path,
    )
    assert out.splitlines() == [
        "torch True False",
        "torch.nn.functional None",
        "None None",
        "No module named 'torch.foo' | torch.foo",
        "No module named 'torch.nn.functional.foo'; 'torch.nn.functional' is not a package "
        "| torch.nn.functional.foo",
        "No module named 'torch.foo' | torch.foo",
        "No module named 'no_such_module' | no_such_module",
        "[]",
    ]


def test_metadata(library, tmp_path):
    out = run_code(
        library,
        """
        import importlib.metadata as metadata, jtorch
        jtorch.install()
        found = metadata.distribution("torch")
        print(metadata.version("torch"), metadata.version("Torch"), found.metadata["Name"])
        print(found.requires, found.files, list(found.entry_points), metadata.requires("torch"))
        print("torch" in metadata.packages_distributions().get("torch", []))
        print(sum(d.metadata["Name"] == "torch" for d in metadata.distributions()) >= 1)
        jtorch.uninstall()
        try:
            metadata.version("torch")
        except metadata.PackageNotFoundError:
            print("none")
        """,
        tmp_path,
    )
    lines = out.splitlines()
    assert lines[:4] == ["2.13.0+jtorch 2.13.0+jtorch torch", "[] [] [] []", "True", "True"]


def test_uninstall_gives_the_name_back(library, tmp_path):
    write(tmp_path / "torch" / "__init__.py", "real = True\n")
    out = run_code(
        library,
        """
        import sys, jtorch
        before = list(sys.meta_path)
        jtorch.uninstall()
        jtorch.install(); jtorch.install()
        import torch, torch.nn
        assert torch is jtorch
        jtorch.uninstall()
        assert sys.meta_path == before
        assert not [name for name in sys.modules if name.partition(".")[0] == "torch"]
        import torch
        print(torch.real)
        """,
        tmp_path,
    )
    assert out == "True\n"


def test_scope(library, tmp_path):
    out = run_code(
        library,
        """
        import sys, jtorch
        with jtorch.installed():
            import torch
            with jtorch.installed():
                import torch.nn
            print("inside", "torch" in sys.modules)
        print("outside", "torch" in sys.modules)
        sys.modules["torch"] = None
        try:
            with jtorch.installed():
                import torch
                raise KeyError
        except KeyError:
            pass
        print(torch is jtorch, sys.modules["torch"])
        """,
        tmp_path,
    )
    assert out.splitlines() == ["inside True", "outside False", "True None"]


def test_a_torch_that_is_loaded_is_refused(library, tmp_path):
    write(tmp_path / "torch" / "__init__.py", "")
    out = run_code(
        library,
        """
        import torch, jtorch
        for attempt in (jtorch.install, jtorch.installed().__enter__):
            try:
                attempt()
            except ImportError as error:
                print(error)
        import torch
        assert torch is not jtorch
        """,
        tmp_path,
    )
    where = tmp_path / "torch" / "__init__.py"
    words = (
        f"PyTorch is already imported in this process (from {where}): start Python again and "
        "install jtorch's hook before anything imports torch."
    )
    assert out.splitlines() == [words, words]


def test_a_torch_on_the_disk_says_nothing(library, tmp_path):
    write(tmp_path / "torch" / "__init__.py", "raise SystemExit('the wrong one')\n")
    write(tmp_path / "script.py", "import torch, torch.nn\nprint(torch.__version__)\n")
    finished = run(library, "-m", "jtorch", "script.py", cwd=tmp_path)
    assert (finished.stdout, finished.stderr) == ("2.13.0+jtorch\n", "")


def test_namesake_is_named(library, tmp_path):
    metadata = tmp_path / "jtorch-0.1.6.dist-info"
    write(tmp_path / "jtorch_jax-0.1.0.dist-info" / "METADATA", "Name: jtorch-jax\n")
    code = "import jtorch; jtorch.install(); jtorch.install(); import torch"
    finished = run(library, "-c", code, cwd=tmp_path)
    assert finished.stderr == ""
    write(metadata / "METADATA", "Name: jtorch\nVersion: 0.1.6\n")
    finished = run(library, "-c", code, cwd=tmp_path)
    assert finished.returncode == 0
    assert finished.stderr.count("the distribution 'jtorch' is another project's") == 1
    assert str(metadata.name) in finished.stderr


def test_distutils_is_there_only_where_nobody_else_has_it(library, tmp_path):
    out = run_code(
        library,
        """
        import sys, jtorch
        # As after Python 3.11, and without setuptools:
        for name in [n for n in sys.modules if n.partition(".")[0] in ("distutils", "setuptools")]:
            del sys.modules[name]
        sys.meta_path[:] = [f for f in sys.meta_path if "distutils" not in type(f).__name__.lower()]
        paths = sys.meta_path.pop()
        class WithoutDistutils:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] != "distutils":
                    return paths.find_spec(name, path, target)
        sys.meta_path.append(WithoutDistutils())
        with jtorch.installed():
            from distutils.version import LooseVersion as V
            print(V("1.10") > V("1.9"), V("1.5.1") < "1.5.2b2", V("2.13.0+x") >= "2.13",
                  V("3") == V("3"), repr(V("1.5a2").version), str(V("1.2")))
            try:
                import distutils.core
            except ModuleNotFoundError as error:
                print(error)
        try:
            import distutils.version
        except ModuleNotFoundError as error:
            print(error)
        sys.meta_path[-1] = paths
        """,
        tmp_path,
    )
    assert out.splitlines() == [
        "True True True True [1, 5, 'a', 2] 1.2",
        "No module named 'distutils.core'",
        "No module named 'distutils'",
    ]


def test_real_distutils_wins(library, tmp_path):
    write(tmp_path / "distutils" / "__init__.py", "")
    write(tmp_path / "distutils" / "version.py", "LooseVersion = 'real'\n")
    code = "from distutils.version import LooseVersion; print(LooseVersion)"
    paths = f"{tmp_path}{os.pathsep}{library}"
    finished = run(None, "-S", "-m", "jtorch", "-c", code, cwd=tmp_path, PYTHONPATH=paths)
    if sys.version_info >= (3, 12):
        assert finished.stdout == "real\n", finished.stderr
    else:
        assert finished.returncode == 0, finished.stderr


# --- python -m jtorch, against python ----------------------------------------------------------

SHOW = """
import sys
names = {k: v for k, v in globals().items() if k not in ("__builtins__", "__loader__", "sys")}
spec = names.pop("__spec__")
print(names, spec and (spec.name, spec.origin))
print(type(__builtins__), type(__loader__), getattr(__loader__, "__name__", None))
print(sys.argv, sys.path[0])
print(sys.modules["__main__"].__dict__ is globals())
"""

PROGRAMS = {
    "what a program finds": SHOW,
    "error": "def f(x):\n    return 1 / x\n\nprint('out')\nf(0)\n",
    "carets": "d = {'a': {}}\nprint(d['a']['b'] + d['c'])\n",
    "chain": """
try:
    try:
        {}['a']
    except KeyError as error:
        raise ValueError('first') from error
except ValueError:
    raise TypeError('second')
""",
    "notes": "e = ValueError('x')\ne.add_note('a note')\nraise e\n",
    "group": "raise ExceptionGroup('several', [ValueError(1), TypeError(2)])\n",
    "syntax error": "x = = 1\n",
    "indentation": "if 1:\nprint()\n",
    "syntax error in an import": "import bad_syntax\n",
    "missing import": "import no_such_module\n",
    "exit": "import sys\nsys.exit(3)\n",
    "exit with words": "raise SystemExit('good bye')\n",
    "exit without": "raise SystemExit\n",
    # A shell starts its background jobs with interrupts ignored.
    "interrupt": """
import os, signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
os.kill(os.getpid(), signal.SIGINT)
time.sleep(5)
""",
    "recursion": "def f():\n    f()\nf()\n",
    "hook of its own": """
import sys, traceback
def hook(kind, value, tb):
    print('hook', kind, [f.name for f in traceback.extract_tb(tb)], value.__traceback__ is tb)
sys.excepthook = hook
def f():
    raise ValueError
f()
""",
    "broken hook": "import sys\nsys.excepthook = lambda *a: 1 / 0\nraise ValueError('x')\n",
    "thread": """
import threading
def f():
    raise ValueError('in a thread')
t = threading.Thread(target=f, name='worker')
t.start(); t.join()
""",
    "pickle": """
import pickle
class C: pass
print(type(pickle.loads(pickle.dumps(C()))) is C)
""",
    "at exit": "import atexit\nx = 5\natexit.register(lambda: print('x is', x))\n",
    "encoding": "# -*- coding: latin-1 -*-\nprint(len('\xe9'))\n",
    "last exception": """
import atexit, sys, traceback
atexit.register(lambda: print([f.name for f in traceback.extract_tb(sys.last_traceback)]))
raise ValueError
""",
}


def same(library: Path, plain: list[str], cwd: Path, **more) -> None:
    """Run a command line under python and under python -m jtorch: nothing may differ."""
    expected = run(None, *plain, cwd=cwd, **more)
    got = run(library, "-m", "jtorch", *plain, cwd=cwd, **more)
    frames = [line for line in expected.stderr.splitlines() if "<frozen runpy>" not in line]
    # The launcher's own frames leave a little less room before the recursion limit.
    lines = [
        re.sub(r"repeated 9[89]\d more", "repeated 996 more", line)
        for line in got.stderr.splitlines()
    ]
    assert lines == frames
    assert got.stdout == expected.stdout
    assert got.returncode == expected.returncode


@pytest.mark.parametrize("name", PROGRAMS)
def test_script_runs_as_under_python(name, library, tmp_path):
    write(tmp_path / "sub" / "bad_syntax.py", "def f(:\n")
    path = tmp_path / "sub" / "program.py"
    path.write_bytes(PROGRAMS[name].encode("latin-1"))
    same(library, ["sub/program.py", "a", "-b", "--help"], tmp_path)


@pytest.mark.parametrize("name", ["what a program finds", "error", "exit", "interrupt", "chain"])
def test_module_runs_as_under_python(name, library, tmp_path):
    write(tmp_path / "pack" / "__init__.py", "")
    write(tmp_path / "pack" / "mod.py", PROGRAMS[name])
    same(library, ["-m", "pack.mod", "a"], tmp_path)


@pytest.mark.parametrize("name", ["what a program finds", "error", "exit", "syntax error"])
def test_code_and_standard_input_run_as_under_python(name, library, tmp_path):
    same(library, ["-c", PROGRAMS[name], "a", "-m"], tmp_path)
    same(library, ["-", "a"], tmp_path, stdin=PROGRAMS[name])
    same(library, [], tmp_path, stdin=PROGRAMS[name])


def test_folder_and_zip_file_run_as_under_python(library, tmp_path):
    write(tmp_path / "app" / "__main__.py", SHOW + "import helper\n")
    write(tmp_path / "app" / "helper.py", "1 / 0\n")
    same(library, ["app", "a"], tmp_path)
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("__main__.py", SHOW)
    same(library, ["app.zip", "a"], tmp_path)
    (tmp_path / "empty").mkdir()
    same(library, ["empty"], tmp_path)


def test_what_cannot_be_run_is_refused_as_by_python(library, tmp_path):
    same(library, ["no_such.py"], tmp_path)
    same(library, ["-m", "no_such_module"], tmp_path)
    same(library, ["-m", "json.no_such"], tmp_path)
    finished = run(library, "-m", "jtorch", "-c", cwd=tmp_path)
    assert (finished.returncode, "Argument expected for the -c option" in finished.stderr) == (
        2,
        True,
    )
    finished = run(library, "-m", "jtorch", "-W", "error", "x.py", cwd=tmp_path)
    assert (finished.returncode, "unknown option -W" in finished.stderr) == (2, True)


def test_link_and_compiled_script(library, tmp_path):
    real = write(tmp_path / "real" / "program.py", SHOW)
    (tmp_path / "link.py").symlink_to(real)
    same(library, ["link.py"], tmp_path)
    script = "import py_compile; py_compile.compile('program.py', 'program.pyc', doraise=True)"
    run(None, "-c", script, cwd=real.parent)
    same(library, ["program.pyc"], real.parent)


def test_interpreters_options_reach_the_program(library, tmp_path):
    write(tmp_path / "p.py", "import sys, warnings; print(sys.flags.optimize); warnings.warn('w')")
    finished = run(library, "-m", "jtorch", "p.py", cwd=tmp_path, options=("-O", "-W", "error"))
    assert finished.stdout == "1\n"
    assert finished.stderr.endswith("UserWarning: w\n")
    write(tmp_path / "q.py", "import sys; print([p for p in sys.path if p == sys.argv[1]])")
    finished = run(library, "-m", "jtorch", "q.py", str(tmp_path), cwd=tmp_path, options=("-P",))
    assert finished.stdout == "[]\n"


def test_help_and_version(library, tmp_path):
    assert run(library, "-m", "jtorch", "--help", cwd=tmp_path).stdout.startswith("usage: python")
    finished = run(library, "-m", "jtorch", "--version", cwd=tmp_path)
    assert finished.stdout == "jtorch 0.1.0 (torch 2.13.0+jtorch)\n"


def test_torchs_own_modules_can_be_run(library, tmp_path):
    finished = run(library, "-m", "jtorch", "-m", "torch.tool", "a", cwd=tmp_path)
    assert (finished.stdout, finished.stderr) == ("__main__ torch.tool ['a']\n", "")


def test_torch_appears_only_when_it_is_imported(library, tmp_path):
    code = (
        "import sys; print('torch' in sys.modules); import torch; print('torch.nn' in sys.modules)"
    )
    assert run(library, "-m", "jtorch", "-c", code, cwd=tmp_path).stdout == "False\nTrue\n"


FAILS = """
import torch
def f(x):
    torch.check(x)
try:
    f(-1)
except ValueError as error:
    raise KeyError("second") from error
"""


def test_traceback_ends_at_the_users_line(library, tmp_path):
    path = write(tmp_path / "p.py", FAILS)
    finished = run(library, "-m", "jtorch", "p.py", cwd=tmp_path)
    lines = [line for line in finished.stderr.splitlines() if set(line.strip()) - {"^", "~"}]
    assert lines == [
        "Traceback (most recent call last):",
        f'  File "{path}", line 6, in <module>',
        "    f(-1)",
        f'  File "{path}", line 4, in f',
        "    torch.check(x)",
        "ValueError: negative",
        "The above exception was the direct cause of the following exception:",
        "Traceback (most recent call last):",
        f'  File "{path}", line 8, in <module>',
        '    raise KeyError("second") from error',
        "KeyError: 'second'",
    ]


def test_full_traceback_on_request(library, tmp_path):
    write(tmp_path / "p.py", FAILS)
    finished = run(library, "-m", "jtorch", "p.py", cwd=tmp_path, JTORCH_FULL_TRACEBACK="1")
    assert 'jtorch/__init__.py", line' in finished.stderr
    assert "in check" in finished.stderr
    assert "__main__.py" in finished.stderr


def test_traceback_of_a_thread_ends_at_the_users_line(library, tmp_path):
    source = """
    import threading, torch
    def work():
        torch.check(-1)
    t = threading.Thread(target=work); t.start(); t.join()
    """
    write(tmp_path / "p.py", source)
    finished = run(library, "-m", "jtorch", "p.py", cwd=tmp_path)
    assert "in work" in finished.stderr
    assert "in check" not in finished.stderr


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_processes_of_multiprocessing_have_torch_too(method, library, tmp_path):
    source = f"""
    import torch
    import multiprocessing
    def work(queue):
        queue.put(torch.__version__)
    if __name__ == "__main__":
        context = multiprocessing.get_context({method!r})
        queue = context.Queue()
        process = context.Process(target=work, args=(queue,))
        process.start()
        print(queue.get(timeout=30))
        process.join()
        print(process.exitcode)
    """
    write(tmp_path / "p.py", source)
    finished = run(library, "-m", "jtorch", "p.py", cwd=tmp_path)
    assert (finished.stdout, finished.stderr) == ("2.13.0+jtorch\n0\n", "")


def test_interrupt_ends_the_process_by_its_signal(library, tmp_path):
    write(tmp_path / "p.py", PROGRAMS["interrupt"])
    finished = run(library, "-m", "jtorch", "p.py", cwd=tmp_path)
    assert finished.returncode == -signal.SIGINT


def test_filter_leaves_what_has_no_other_frames():
    from jtorch._core import traceback_filter

    try:
        traceback_filter.filter_traceback(object())
    except AttributeError as error:
        inner = error.__traceback__.tb_next
        error.__traceback__ = inner
        assert traceback_filter.filter_traceback(inner) is None
        assert traceback_filter.strip(error).__traceback__ is inner
    else:
        pytest.fail("it takes tracebacks only")
