"""The array API: tests of SciPy and scikit-learn with tensors, under both.

``python -m compat_tests.libraries.array_api`` runs the tests that these packages have of their own
for arrays of other libraries, with PyTorch's tensors and with jtorch's, and compares what becomes
of each. What PyTorch passes and jtorch does not has to stand in ``array_api_gaps.toml`` with its
reason, and what stands there has to fail; the exit status is 1 otherwise. Names of suites
(``scipy.fft``) run only those. Every one takes a minute or two.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
#: Seconds that one suite may take.
LIMIT = 1800
#: Files of tests by suite, and which of their tests are about arrays of PyTorch.
SUITES = {
    "scipy._lib": (["_lib/tests/test_array_api.py"], ""),
    "scipy.cluster": (["cluster/tests/test_vq.py", "cluster/tests/test_hierarchy.py"], "torch"),
    "scipy.constants": (["constants/tests/test_constants.py"], "torch"),
    "scipy.differentiate": (["differentiate/tests/test_differentiate.py"], "torch"),
    "scipy.fft": (
        ["fft/tests/test_basic.py", "fft/tests/test_helper.py", "fft/tests/test_real_transforms.py",
         "fft/tests/test_fftlog.py"], "torch",
    ),
    "scipy.integrate": (
        ["integrate/tests/test_cubature.py", "integrate/tests/test_quadrature.py"], "torch",
    ),
    "scipy.optimize": (
        ["optimize/tests/test_bracket.py", "optimize/tests/test_chandrupatla.py"], "torch",
    ),
    "scipy.signal": (["signal/tests/test_windows.py"], "torch"),
    "scipy.spatial": (["spatial/transform/tests/test_rotation.py"], "torch"),
    "scipy.special": (
        ["special/tests/test_logsumexp.py", "special/tests/test_support_alternative_backends.py"],
        "torch",
    ),
    "scipy.stats": (
        [f"stats/tests/test_{name}.py" for name in
         ("variation", "entropy", "rank", "quantile", "correlation", "continued_fraction")],
        "torch",
    ),
    "sklearn.utils": (["utils/tests/test_array_api.py"], "torch"),
    "sklearn.metrics": (["metrics/tests/test_common.py"], "array_api and torch"),
    "sklearn.preprocessing": (
        ["preprocessing/tests/test_data.py", "preprocessing/tests/test_label.py"],
        "array_api and torch",
    ),
    "sklearn.models": (
        ["decomposition/tests/test_pca.py", "linear_model/tests/test_ridge.py",
         "tests/test_discriminant_analysis.py", "mixture/tests/test_gaussian_mixture.py",
         "model_selection/tests/test_split.py"], "array_api and torch",
    ),
}  # fmt: skip


def outcomes(suite: str, *launcher: str) -> dict[str, tuple[str, str]]:
    """Run a suite; return what became of each test, and the last words of one that failed."""
    package = suite.partition(".")[0]
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"{package} is not installed")
    home = Path(next(iter(found.submodule_search_locations)))
    files, wanted = SUITES[suite]
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "outcomes"
        notes.touch()
        command = [sys.executable, "-W", "ignore", *launcher, "-m", "pytest", "-q", "--tb=short"]
        command += ["-p", "no:cacheprovider", "-p", "compat_tests.libraries.outcomes"]
        command += ["--rootdir", str(home.parent), *(["-k", wanted] if wanted else [])]
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        # scikit-learn runs such tests only where SciPy takes arrays of others, too.
        arrays = json.dumps(["torch"]) if package == "scipy" else "1"
        environment = {**os.environ, "SCIPY_ARRAY_API": arrays, "OUTCOMES": str(notes)}
        environment |= {"PYTHONPATH": path, "MPLBACKEND": "Agg"}
        done = subprocess.run(
            [*command, *(str(home / file) for file in files)], env=environment, cwd=folder,
            capture_output=True, text=True, timeout=LIMIT, check=False,
        )  # fmt: skip
        lines = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    if not lines:
        print(done.stdout[-1500:], done.stderr[-1500:], sep="\n")
    return {line["test"]: (line["outcome"], line["words"]) for line in lines}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suites", nargs="*", help="names of suites; all of them by default")
    parser.add_argument("--verbose", "-v", action="store_true", help="show why tests fail")
    options = parser.parse_args()
    gaps = tomllib.loads((HERE / "array_api_gaps.toml").read_text(encoding="utf-8")).get("gap", [])
    print("| suite | tests | PyTorch passes | jtorch passes | of those | only PyTorch | skipped |")
    print("|---|---|---|---|---|---|---|")
    problems, total = [], Counter()
    for suite in options.suites or SUITES:
        theirs, ours = outcomes(suite), outcomes(suite, "-m", "jtorch")
        passed = {test for test, (outcome, _) in theirs.items() if outcome == "passed"}
        own = {test for test, (outcome, _) in ours.items() if outcome == "passed"}
        missing = sorted(passed - own)
        skipped = sum(outcome in ("skipped", "expected") for outcome, _ in theirs.values())
        figures = {
            "tests": len(theirs), "theirs": len(passed), "ours": len(own),
            "both": len(own & passed), "missing": len(missing), "skipped": skipped,
        }  # fmt: skip
        total.update(figures)
        print(f"| {suite} | {' | '.join(map(str, figures.values()))} |", flush=True)
        listed = {
            test: gap["reason"]
            for gap in gaps
            for test in theirs
            if any(fnmatch.fnmatchcase(test, _as_glob(each)) for each in gap["tests"])
        }
        for test in missing:
            if test not in listed:
                problems.append(f"{test} fails")
            if options.verbose:
                print(f"{test}\n{ours.get(test, ('', 'not run'))[1]}")
        problems += [f"{test} passes and is listed" for test in listed if test not in missing]
    print(f"| all | {' | '.join(str(total[name]) for name in figures)} |")
    if problems:
        print("\n".join(problems))
    return bool(problems)


def _as_glob(pattern: str) -> str:
    return pattern.replace("[", "[[]")


if __name__ == "__main__":
    raise SystemExit(main())
