"""The checks of jtorch, on a desk and in continuous integration alike: ``nox``, or ``nox -s NAME``.

``nox -r`` reuses the environments of the last run. What follows ``--`` goes to the tool.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.options.default_venv_backend = "virtualenv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "types", "tests", "compat", "examples", "docs", "package"]

PYTHONS = ["3.11", "3.12", "3.13"]
# The JAX that each Python is tried with besides what pip takes: the oldest that is allowed, the
# one that dropped a compile option and keeps MLIR's contexts, and the newest, pinned or not.
OLDEST_JAX, MIDDLE_JAX, NEWEST_JAX = "0.10.2", "0.11.2", "newest"
PAIRS = [("3.11", OLDEST_JAX), ("3.12", MIDDLE_JAX), ("3.13", MIDDLE_JAX), ("3.13", NEWEST_JAX)]
# What depends on the versions of Python and JAX: processes, programs on disk, files.
VERSIONED = ["compat_tests/engine", "compat_tests/launch", "compat_tests/utils"]
TWO_WORKERS = ["-n", "2", "--dist", "loadgroup"]
# Libraries that train in several processes, and all that they need but PyTorch.
TRAINERS = ["accelerate", "lightning", "pytorch-lightning", "lightning-utilities", "torchmetrics"]
TRAINERS_NEED = [
    *("fsspec[http]", "huggingface-hub", "packaging", "psutil", "pyyaml", "safetensors", "tqdm"),
    "typing-extensions",
]
DEFAULT = "not oracle and not gpu and not distributed"
NEWEST_ORACLE = "torch==2.13.0"
TYPED_SCRIPTS = "compat_tests/type_checks"
# Built on PyTorch, and run on jtorch; the programs are in compat_tests/libraries/scripts.
LIBRARIES = [
    *("accelerate", "array-api-compat", "botorch", "captum", "darts[torch]", "diffusers", "e3nn"),
    *("einops", "einx", "fastai", "geoopt", "gpytorch", "higher", "keras", "kornia", "lightning"),
    *("monai", "neuralforecast", "nflows", "norse", "open-clip-torch", "peft", "pennylane"),
    *("pyro-ppl", "pytorch-forecasting", "pytorch-ignite", "pytorch-metric-learning"),
    *("safetensors", "schedulefree", "scikit-learn", "scipy", "segmentation-models-pytorch"),
    *("sentence-transformers", "skorch", "snntorch", "speechbrain", "stable-baselines3"),
    *("tensordict", "tianshou", "timm", "torch-geometric", "torchaudio", "torchcde", "torchdiffeq"),
    *("torchinfo", "torchmetrics", "torchopt", "torchrl", "torchsde", "torchvision", "torchviz"),
    *("transformers", "ultralytics", "zuko"),
    "tensorboard",  # which norse imports without asking for it
]
# What the suite holds besides the fast core; "tests" leaves it to "compat".
WHOLE_PROGRAMS = [
    "compat_tests/random/test_seed_blocks.py",
    "compat_tests/end_to_end/test_examples.py",
    "compat_tests/end_to_end/test_programs.py",
]


@nox.session
def lint(session: nox.Session) -> None:
    """Check layout and lint rules; change nothing."""
    session.install("ruff>=0.14")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Type-check the package, and as strictly as there is, scripts that use it as torch."""
    session.install("-e", ".", "mypy>=1.18", "pyright[nodejs]>=1.1.400")
    session.run("mypy", "jtorch")
    session.run("mypy", "--strict", "--follow-imports=silent", TYPED_SCRIPTS)
    session.run("pyright", TYPED_SCRIPTS)


@nox.session
def stubs(session: nox.Session) -> None:
    """Write the .pyi files that editors and type checkers read; ``-- --check`` only compares."""
    session.install("-e", ".")
    session.run("python", "tools/make_stubs.py", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the fast part of the suite: engine, hazards and units, and some tests of a device.

    ``-- --device stand-in`` runs all tests of a device, with a second device of the host as
    ``cuda:0``; ``-- --device cuda`` runs them on a GPU.
    """
    if any(word.startswith("--device") for word in session.posargs):
        on_gpu = any("cuda" in word for word in session.posargs)
        session.install("-e", ".[test,cuda]" if on_gpu else ".[test]")
        session.run("pytest", *session.posargs)
        return
    session.install("-e", ".[test]")
    left_out = [f"--ignore={path}" for path in WHOLE_PROGRAMS]
    markers = "not oracle and not gpu and not distributed and not examples and not slow"
    session.run("pytest", "-m", markers, *left_out, *session.posargs)
    if not session.posargs:
        session.run("pytest", "--device", "stand-in", "--reduced")


@nox.session(python=PYTHONS)
def compat(session: nox.Session) -> None:
    """Run the whole compatibility suite that needs no PyTorch."""
    session.install("-e", ".[test]")
    session.run("pytest", *TWO_WORKERS, "-m", DEFAULT, *session.posargs)


@nox.session
@nox.parametrize("python,jax", PAIRS)
def pairs(session: nox.Session, jax: str) -> None:
    """Run what depends on the versions of Python and JAX, with the oldest and the newest."""
    session.install("-e", ".[test]")
    wanted = [f"{name}=={jax}" for name in ("jax", "jaxlib")]
    if jax == NEWEST_JAX:
        wanted = ["--upgrade", "jax", "jaxlib"]
    session.install(*wanted)
    session.run("python", "-c", "import jax, sys; print(sys.version.split()[0], jax.__version__)")
    paths = [] if session.posargs else VERSIONED
    session.run("pytest", *TWO_WORKERS, "-m", DEFAULT, *paths, *session.posargs)


@nox.session(python="3.11")
@nox.parametrize("execution", ["interpret", "compile"])
def tiers(session: nox.Session, execution: str) -> None:
    """Run the suite by one tier alone; ``tests`` and ``compat`` run it as users do, by both."""
    session.install("-e", ".[test]")
    words = [*TWO_WORKERS, "-m", DEFAULT, *session.posargs]
    session.run("pytest", *words, env={"JTORCH_EXECUTION": execution})


@nox.session(python="3.11")
def distributed(session: nox.Session) -> None:
    """Run the tests of two and of four processes."""
    session.install("-e", ".[test]", *TRAINERS_NEED)
    session.install("--no-deps", *TRAINERS)
    words = ["compat_tests/distributed", "-m", "not oracle and not gpu", *session.posargs]
    session.run("pytest", *words)


@nox.session(python="3.11")
def oracle(session: nox.Session) -> None:
    """Compare with PyTorch itself, on the CPU: tests, modules, optimisers, operator database.

    ``-- modules``, ``-- optimisers`` or ``-- database`` runs one of the last three alone, and what
    follows goes to its command line (``-- database ops --only "linalg.*"``); other words go to
    pytest, which then runs alone.
    """
    # PyTorch's database imports the one, and with the other it has all of its entries.
    session.install("-e", ".[test]", "expecttest", "scipy")
    _install_pytorch(session)
    tables = {"modules": [], "optimisers": [], "database": ["all"]}
    chosen, *words = session.posargs or [""]
    if chosen in tables:
        session.run("python", "-m", f"compat_tests.oracle.{chosen}", *(words or tables[chosen]))
        return
    parts = [("pytest", *TWO_WORKERS, "-m", "oracle", *session.posargs)]
    if not session.posargs:
        parts += [
            ("python", "-m", f"compat_tests.oracle.{name}", *usual)
            for name, usual in tables.items()
        ]
    failed = []
    for part in parts:  # each prints its table, whatever became of the others
        try:
            session.run(*part)
        except CommandFailed:
            failed.append(" ".join(part))
    if failed:
        session.error(f"failed: {'; '.join(failed)}")


@nox.session(python="3.11")
def record(session: nox.Session) -> None:
    """Record PyTorch's answers in compat_tests/golden; without a family, list the families.

    ``nox -s record -- printing expressions.padding``; ``--wine`` and ``--seeds`` name the folders
    of data that some of them read.
    """
    session.install("-e", ".[test,examples]")
    _install_pytorch(session)
    session.run("python", "-m", "tools.record_goldens", *session.posargs)


@nox.session(python="3.11")
def parity(session: nox.Session) -> None:
    """Run training scripts under PyTorch and under jtorch and compare their losses."""
    session.install("-e", ".[test,examples]")
    _install_pytorch(session)
    session.run("python", "-m", "compat_tests.parity", *session.posargs)


@nox.session(python="3.11")
def libraries(session: nox.Session) -> None:
    """Run programs of libraries built on PyTorch under both and compare what they print.

    torchvision loads its operators where it was built for the same PyTorch, with CUDA or without;
    both from one index are. Names of libraries after ``--`` run only those, and
    ``-- --markdown compat_tests/libraries/README.md`` writes the table.
    """
    session.install("-e", ".[test]")
    session.install(NEWEST_ORACLE, *LIBRARIES)
    session.run("python", "-m", "compat_tests.libraries", *session.posargs)


@nox.session(python="3.11")
def array_api(session: nox.Session) -> None:
    """Run the tests that SciPy and scikit-learn have for tensors, under both; ``-- scipy.fft``."""
    session.install("-e", ".[test]")
    session.install(NEWEST_ORACLE, "array-api-compat", "array-api-strict", "scikit-learn", "scipy")
    session.run("python", "-m", "compat_tests.libraries.array_api", *session.posargs)


@nox.session
def examples(session: nox.Session) -> None:
    """Run the programs of examples/ as a user would."""
    session.install("-e", ".[test,examples]")
    session.run("pytest", "-m", "examples", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Report measurements; ``nox -s bench -- engine`` runs benchmarks/engine.py alone.

    ``nox -s bench -- gpu`` runs those of a GPU, with its tests.
    """
    session.install("-e", ".")
    _install_pytorch(session)  # what jtorch is measured beside
    folder = Path("benchmarks")
    known = sorted(path.stem for path in folder.glob("[!_]*.py"))
    named = [word for word in session.posargs if not word.startswith("-")]
    chosen = ["gpu_day" if word == "gpu" else word for word in named]
    chosen = chosen or [name for name in known if name != "gpu_day"]  # which needs a GPU
    options = [word for word in session.posargs if word.startswith("-")]
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        session.error(f"no benchmark named {', '.join(unknown)}; there are: {', '.join(known)}")
    for name in chosen:
        session.run("python", str(folder / f"{name}.py"), *options)


@nox.session
def docs(session: nox.Session) -> None:
    """Run every block of the documentation and the docstrings, build the site, check its links.

    The site is left in ``build/docs/html``. Names of pages after ``--`` run their blocks alone, and
    build nothing.
    """
    session.install("-e", ".[test,docs]")
    session.run("python", "-m", "compat_tests.documentation", *session.posargs)
    if session.posargs:
        return
    site = "build/docs/html"
    sphinx = ("sphinx-build", "-q", "-W", "--keep-going", "-n")
    session.run(*sphinx, "-b", "html", "docs", site)
    session.run("python", "-m", "docs.generators.links", site)
    if _reaches("docs.jax.dev"):
        session.run(*sphinx, "-b", "linkcheck", "docs", "build/docs/links")
    else:
        session.log("no network: links to other sites are not checked")


@nox.session
def package(session: nox.Session) -> None:
    """Build sdist and wheel, install the wheel alone, and import it."""
    session.install("build>=1.2")
    output = Path(session.create_tmp()).resolve() / "dist"
    shutil.rmtree(output, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(output))
    (wheel,) = output.glob("*.whl")
    assert list(output.glob("*.tar.gz")), "no source distribution was built"

    clean = output.parent / "clean"
    shutil.rmtree(clean, ignore_errors=True)
    session.run("python", "-m", "venv", str(clean))
    clean_python = str(clean / "bin" / "python")
    session.run(clean_python, "-m", "pip", "install", "-q", str(wheel), external=True)
    probe = (
        "import jtorch, sys; print(jtorch.__version__, jtorch.ones(2) + 1);"
        "unwanted = {'torch', 'matplotlib', 'scipy', 'flax'} & set(sys.modules);"
        "sys.exit(f'imported with jtorch: {unwanted}' if unwanted else 0)"
    )
    session.cd(output.parent)  # away from the repository: the wheel is what is imported
    session.run(clean_python, "-c", probe, external=True)


@nox.session
def gpu(session: nox.Session) -> None:
    """Run the tests of a device on a GPU; say so and stop where there is none."""
    if not _has_nvidia_gpu():
        session.skip("no NVIDIA GPU on this machine")
    session.install("-e", ".[test,cuda]")
    session.run("pytest", "--device", "cuda", *session.posargs)
    if not session.posargs:
        session.run("pytest", "-m", "gpu")


def _install_pytorch(session: nox.Session) -> None:
    """Install the PyTorch that jtorch is compared with.

    PyPI's wheel for Linux carries CUDA; ``PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu``
    in the environment offers the small one for the CPU.
    """
    session.install(NEWEST_ORACLE)


def _has_nvidia_gpu() -> bool:
    if shutil.which("nvidia-smi") is None:
        return False
    listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return listing.returncode == 0 and "GPU" in listing.stdout


def _reaches(host: str) -> bool:
    """Tell whether a server of the network answers."""
    try:
        with socket.create_connection((host, 443), timeout=5):
            return True
    except OSError:
        return False
