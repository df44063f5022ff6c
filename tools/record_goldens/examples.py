"""Record what the programs of ``examples/`` print under PyTorch, one text file for each case.

``python -m tools.record_goldens.examples [WINE]``, where PyTorch is installed. With the folder of
``wine-red.pt``, the cases on the real data are recorded too. The test
``compat_tests/end_to_end/test_examples.py`` takes the cases from here.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from compat_tests.helpers.paths import GOLDEN, ROOT

EXAMPLES = ROOT / "examples"
SMALL_TABLE = "small.csv"
RED_WINE = "wine-red.pt"


@dataclass(frozen=True)
class Case:
    """One run of an example.

    Args:
        name: name of the golden file, without its suffix.
        program: file in ``examples/``.
        arguments: its command line, without the data.
        data: file that is its first argument; it stands in the working folder.
        picture: it draws ``out.png``, and so needs the packages of the extra ``examples``.
        long: it compiles programs for more than some seconds, and runs only where asked for.
    """

    name: str
    program: str
    arguments: tuple[str, ...] = ()
    data: str | None = None
    picture: bool = False
    long: bool = False

    def command(self) -> list[str]:
        """Return program and arguments, to go behind the interpreter."""
        data = [] if self.data is None else [self.data]
        return [str(EXAMPLES / self.program), *data, *self.arguments]


WINE = "wine_quality.py"
SURFACE = "gradient_descent_surface.py"
GRAPH = "computation_graph.py"
OUT = ("--output", "out.png")
DRAWN = ("--no-picture", "--expression")
CASES = [
    Case("polynomial", "polynomial_gradient.py"),
    Case("polynomial-elsewhere", "polynomial_gradient.py", ("--at", "-1.5")),
    Case("surface-bowl", SURFACE, ("--steps", "20", "--every", "1")),
    Case("surface-keep-gradient", SURFACE, ("--keep-gradient", "--seed", "3")),
    Case("surface-four-wells", SURFACE, ("--function", "four-wells", "--start", "-0.5", "-1")),
    Case("graph-polynomial", GRAPH, (*DRAWN, "polynomial")),
    Case("graph-linear-regression", GRAPH, (*DRAWN, "linear-regression")),
    Case("graph-shared", GRAPH, (*DRAWN, "shared")),
    Case("wine-small", WINE, ("--steps", "60", "--every", "10"), SMALL_TABLE),
    Case("wine-small-layers-2", WINE, ("--layers", "2", "--steps", "60", "--every", "10"),
         SMALL_TABLE),
    Case("wine-red", WINE, (), RED_WINE),
    Case("wine-red-layers-2", WINE, ("--layers", "2", "--seed", "7"), RED_WINE),
    Case("breast-cancer", "breast_cancer_classifier.py", ("--epochs", "3", *OUT), picture=True,
         long=True),
    Case("diabetes", "diabetes_regression.py", ("--epochs", "12", "--patience", "4", *OUT),
         picture=True),
    Case("digits-autoencoder", "digits_autoencoder.py", ("--epochs", "3", *OUT), picture=True,
         long=True),
    Case("digits-cnn", "digits_cnn.py", ("--epochs", "1", *OUT), picture=True, long=True),
    Case("gan-ring", "gan_ring.py", ("--epochs", "2", *OUT), picture=True, long=True),
    Case("lstm", "character_lstm.py", ("--epochs", "2", "--length", "40", *OUT), picture=True,
         long=True),
    Case("oscillator", "physics_oscillator.py", ("--epochs", "100", "--polish", "20", *OUT),
         picture=True, long=True),
]  # fmt: skip


def write_small_table(path: Path, rows: int = 160) -> None:
    """Write a made-up table of the wine data's form, the same one on every machine.

    Integers alone, from a linear congruential generator (Knuth, The Art of Computer Programming
    2, 3.3.4), so that no library's random numbers take part.
    """
    state = 20_210
    lines = [";".join(f'"measurement {column}"' for column in range(1, 12)) + ';"quality"']
    for _ in range(rows):
        cells = []
        for _ in range(11):
            state = (state * 1_664_525 + 1_013_904_223) % 2**32
            cells.append(state // 2**22)
        score = 3 + (4 * cells[0] + 2 * cells[4] + cells[10]) // 1024
        lines.append(";".join([*(f"{cell / 64:.3f}" for cell in cells), str(score)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def run(case: Case, interpreter: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a case in a folder that holds its data, with nothing on the standard input.

    Args:
        case: what to run.
        interpreter: what stands before the program on the command line.
        folder: the working folder; what the program writes lies there afterwards.
    """
    return subprocess.run(
        [*interpreter, *case.command()],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )


def main(wine_folder: str | None = None) -> None:
    """Write the golden file of every case whose data is there.

    Args:
        wine_folder: where ``wine-red.pt`` is.
    """
    wine = None if wine_folder is None else Path(wine_folder, RED_WINE)
    for case in CASES:
        if case.data == RED_WINE and wine is None:
            print(f"left as it is, for want of the data: {case.name}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            write_small_table(Path(folder, SMALL_TABLE))
            if wine is not None:
                Path(folder, RED_WINE).write_bytes(wine.read_bytes())
            result = run(case, [sys.executable], Path(folder))
        result.check_returncode()
        (GOLDEN / "examples" / f"{case.name}.txt").write_text(result.stdout, encoding="utf-8")
        print(f"recorded: {case.name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
