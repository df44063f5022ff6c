"""The launcher: what workers see, what becomes of failures, how machines meet."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from compat_tests.helpers.paths import ROOT
from compat_tests.helpers.processes import child_environment, free_port

#: Seconds after which a launcher is taken to hang. Starting processes takes long on a busy machine.
LIMIT = 180
#: Seconds that a failure may take to end everything, from the failure on.
FAILURE_LIMIT = 15


def command(library="jtorch"):
    module = f"{library}.distributed.run"
    return [sys.executable, "-m", module]


def start(arguments, folder, library="jtorch", **settings):
    environment = child_environment(**settings)
    if "OMP_NUM_THREADS" not in settings:
        environment.pop("OMP_NUM_THREADS", None)
    return subprocess.Popen(
        [*command(library), *map(str, arguments)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def launch(arguments, folder, library="jtorch", **settings):
    process = start(arguments, folder, library, **settings)
    try:
        out, err = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"the launcher hangs\n{out}{err}") from None
    return process.returncode, out, err


@pytest.fixture
def script(tmp_path):
    def write(text, name="program.py"):
        (tmp_path / name).write_text(textwrap.dedent(text))
        return name

    return write


SHOW = """
    import json, os, sys
    kinds = "RANK LOCAL GROUP ROLE WORLD MASTER TORCHELASTIC TORCH OMP PYTHONUNBUFFERED".split()
    names = [name for name in os.environ if name.split("_")[0] in kinds]
    told = {name: os.environ[name] for name in names}
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    print(json.dumps([told, sys.argv, cores]) + "\\n", end="", flush=True)
"""
#: What PyTorch's workers see with two on one machine, but for names and ports of the run.
SEEN = {
    "GROUP_RANK": "0",
    "GROUP_WORLD_SIZE": "1",
    "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "localhost",
    "OMP_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
    "ROLE_NAME": "default",
    "ROLE_WORLD_SIZE": "2",
    "TORCHELASTIC_MAX_RESTARTS": "0",
    "TORCHELASTIC_RESTART_COUNT": "0",
    "TORCHELASTIC_SIGNALS_TO_HANDLE": "SIGTERM,SIGINT,SIGHUP,SIGQUIT",
    "TORCHELASTIC_USE_AGENT_STORE": "True",
    "TORCH_NCCL_ASYNC_ERROR_HANDLING": "1",
    "WORLD_SIZE": "2",
}
OMP_WARNING = (
    "\n*****************************************\n"
    "Setting OMP_NUM_THREADS environment variable for each process to be 1 in default, to avoid "
    "your system being overloaded, please further tune the variable for optimal performance in "
    "your application as needed. \n"
    "*****************************************\n"
)


def shown(output):
    found = [json.loads(line) for line in output.splitlines()]
    return sorted(found, key=lambda each: int(each[0]["RANK"]))


def test_what_workers_see(script, tmp_path):
    code, out, err = launch(
        ["--standalone", "--nproc-per-node", 2, script(SHOW), "a", "--b"], tmp_path
    )
    assert (code, err) == (0, OMP_WARNING)
    workers = shown(out)
    for rank, (seen, argv, _) in enumerate(workers):
        assert argv == ["program.py", "a", "--b"]
        assert {name: seen.pop(name) for name in ("RANK", "LOCAL_RANK", "ROLE_RANK")} == {
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "ROLE_RANK": str(rank),
        }
        error_file, run_id = seen.pop("TORCHELASTIC_ERROR_FILE"), seen.pop("TORCHELASTIC_RUN_ID")
        assert re.search(rf"/{run_id}_\w+/attempt_0/{rank}/error\.json$", error_file)
        seen.pop("TORCH_CPP_LOG_LEVEL", None)
        assert seen.pop("MASTER_PORT").isdecimal()
        assert seen == SEEN
    if hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > 1:
        first, second = (set(cores) for _, _, cores in workers)
        assert first and second and first.isdisjoint(second)


def test_cores_are_divided():
    from jtorch.distributed.elastic.multiprocessing._cores import cores_of

    assert [cores_of(rank, 2, [0, 1, 2, 3]) for rank in range(2)] == [[0, 1], [2, 3]]
    assert [cores_of(rank, 3, [1, 3, 5, 7]) for rank in range(3)] == [[1, 3], [5], [7]]
    assert cores_of(0, 3, [0, 1]) is None
    assert cores_of(0, 1, [0, 1]) is None


@pytest.mark.distributed
def test_programs_of_other_kinds(script, tmp_path):
    """A module, a command, a script by runpy; options from the environment."""
    name = script('import os, sys; print(__name__, sys.argv[1:], os.environ["WORLD_SIZE"])')
    quiet = {"OMP_NUM_THREADS": "3"}
    code, out, err = launch(["--standalone", "-m", "program", "x"], tmp_path, **quiet)
    assert (code, out, err) == (0, "__main__ ['x'] 1\n", "")
    code, out, _ = launch(["--no-python", "echo", "${local_rank}", "$x"], tmp_path, **quiet)
    assert (code, out) == (0, "0 $x\n")
    code, out, err = launch(["--run-path", tmp_path / name, "y"], tmp_path, **quiet)
    assert (code, out) == (0, "__main__ ['y'] 1\n"), err
    code, out, _ = launch([name], tmp_path, PET_NPROC_PER_NODE="2", **quiet)
    assert (code, out) == (0, "__main__ [] 2\n" * 2)


def test_the_hook_is_installed_in_workers(script, tmp_path):
    name = script(
        """
        import sys, torch
        import torch.distributed.run
        assert torch.distributed.run.__name__ == "jtorch.distributed.run"
        print(torch.tensor([1.0]) + 1)
        """
    )
    code, out, err = launch([name], tmp_path)
    assert (code, out) == (0, "tensor([2.])\n"), err


@pytest.mark.distributed
def test_under_the_hook(script, tmp_path):
    name = script('import os; print(os.environ["MASTER_PORT"])')
    port = str(free_port())
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "jtorch",
            "-m",
            "torch.distributed.run",
            "--master-port",
            port,
            name,
        ],
        cwd=tmp_path,
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, port + "\n", "")


@pytest.mark.distributed
def test_the_older_launcher_passes_the_local_rank(script, tmp_path):
    name = script("import sys; print(sys.argv[1:])")
    run = [sys.executable, "-m", "jtorch.distributed.launch"]
    for option, expected in (([], "['--local-rank=0', 'a']\n"), (["--use-env"], "['a']\n")):
        done = subprocess.run(
            [*run, *option, name, "a"],
            cwd=tmp_path,
            env=child_environment(),
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        assert (done.returncode, done.stdout) == (0, expected)
        assert "FutureWarning: The module torch.distributed.launch is deprecated" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nproc-per-node", "foo", "x.py"], "ValueError: Unsupported nproc_per_node value: foo"),
        (
            ["--nnodes", "0:3", "x.py"],
            "AssertionError: min_nodes must be > 0 and <= max_nodes, got min_nodes=0, max_nodes=3",
        ),
        (["--nnodes", "a", "x.py"], "ValueError: invalid literal for int() with base 10: 'a'"),
        (["--nnodes", "1:2:3", "x.py"], 'RuntimeError: nnodes=1:2:3 is not in "MIN:MAX" format'),
        (
            ["--no-python", "-m", "x.py"],
            "ValueError: Don't use both the '--no-python' flag and the '--module' flag at the "
            "same time.",
        ),
        (
            ["--rdzv-backend", "foo", "x.py"],
            "ValueError: The rendezvous backend 'foo' is not registered. Did you forget to call "
            "`register`?",
        ),
        (
            ["-r", "4", "x.py"],
            r"ValueError: 4 does not match: <^[0123]$> or <^(\d:[0123],)*(\d:[0123])$>",
        ),
        (
            ["--rdzv-conf", "a", "x.py"],
            "ValueError: The rendezvous configuration option 'a' must have a value specified.",
        ),
        (["--max-restarts", "-1", "x.py"], "AssertionError: max_restarts must be >= 0"),
    ],
)
def test_words_of_wrong_options(arguments, words):
    from jtorch.distributed import run

    kind, _, text = words.partition(": ")
    with pytest.raises(Exception, match=f"^{re.escape(text)}$") as raised:
        run.run(run.parse_args(arguments))
    assert type(raised.value).__name__ == kind


def test_a_program_is_required(capsys):
    from jtorch.distributed import run

    with pytest.raises(SystemExit) as left:
        run.parse_args(["--nproc-per-node", "2"])
    assert left.value.code == 2
    assert (
        "error: the following arguments are required: training_script, training_script_args"
        in capsys.readouterr().err
    )


FAILURES = {
    "raises": ("raise ValueError('boom')", 1, "", None),
    "is killed": ("os.kill(os.getpid(), signal.SIGKILL)", -9, " (SIGKILL)", "Signal 9 (SIGKILL)"),
    "exits early": ("sys.exit(7)", 7, "", None),
}


def described(place, rank, code, ended, told, error_file="<N/A>"):
    return (
        rf"\[{place}\]:\n"
        r"  time      : \d{4}-\d\d-\d\d_\d\d:\d\d:\d\d\n"
        r"  host      : \S+\n"
        rf"  rank      : {rank} \(local_rank: {rank}\)\n"
        rf"  exitcode  : {code} \(pid: \d+\) {ended}\n"
        rf"  error_file: {error_file}\n"
        rf"  traceback : {told}\n"
    )


@pytest.mark.parametrize("library", ["jtorch", pytest.param("torch", marks=pytest.mark.oracle)])
@pytest.mark.parametrize(
    "name",
    ["raises", *(pytest.param(name, marks=pytest.mark.distributed) for name in [*FAILURES][1:])],
)
def test_a_failure_ends_the_others(name, library, script, tmp_path):
    """The report is PyTorch's, letter by letter; so is what is said of the others."""
    action, code, ended, told = FAILURES[name]
    program = script(
        f"""
        import os, signal, sys, time
        if os.environ["RANK"] == "1":
            while not os.path.exists("there"):
                time.sleep(0.01)
            open("failing", "w").close()
            {action}
        open("there", "w").close()
        time.sleep(300)
        """
    )
    status, out, err = launch(
        ["--standalone", "--nproc-per-node", 2, program], tmp_path, library, OMP_NUM_THREADS="1"
    )
    assert time.time() - (tmp_path / "failing").stat().st_mtime < FAILURE_LIMIT
    assert (status, out) == (1, "")
    assert re.search(r"^W.*\] Sending process \d+ closing signal SIGTERM$", err, re.M)
    assert re.search(
        rf"^E.*\] failed \(exitcode: {code}\) local_rank: 1 \(pid: \d+\) of binary: \S+$", err, re.M
    )
    told = (
        "To enable traceback see: https://pytorch.org/docs/stable/elastic/errors.html"
        if told is None
        else re.escape(told) + r" received by PID \d+"
    )
    edge, rule = r"(=+)\n", r"(-+)\n"
    report = re.search(
        r"errors\.ChildFailedError: \n"
        + edge
        + r"program\.py FAILED\n"
        + rule
        + "Failures:\n"
        + described(1, 0, -15, r" \(SIGTERM\)", r"Signal 15 \(SIGTERM\) received by PID \d+")
        + rule
        + r"Root Cause \(first observed failure\):\n"
        + described(0, 1, code, re.escape(ended), told)
        + r"(=+)\n$",
        err,
    )
    assert report is not None, err
    widths = {len(each) for each in report.groups()}
    assert len(widths) == 1 and widths <= set(range(50, 61))


@pytest.mark.distributed
def test_a_worker_that_does_not_end_is_killed(script, tmp_path):
    program = script(
        """
        import os, signal, sys, time
        if os.environ["RANK"] == "0":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            open("there", "w").close()
            time.sleep(300)
        while not os.path.exists("there"):
            time.sleep(0.01)
        open("failing", "w").close()
        sys.exit(3)
        """
    )
    arguments = ["--standalone", "--nproc-per-node", 2, "--shutdown-timeout", 1, program]
    status, _, err = launch(arguments, tmp_path, OMP_NUM_THREADS="1")
    assert time.time() - (tmp_path / "failing").stat().st_mtime < FAILURE_LIMIT
    assert status == 1
    assert re.search(
        r"\] Unable to shutdown process \d+ via SIGTERM, forcefully exiting via SIGKILL", err
    )
    assert "exitcode  : -9 (pid: " in err


@pytest.mark.parametrize("library", ["jtorch", pytest.param("torch", marks=pytest.mark.oracle)])
def test_recorded_exceptions_are_reported(library, script, tmp_path):
    program = script(
        """
        from torch.distributed.elastic.multiprocessing.errors import record

        @record
        def main():
            raise ValueError("boom")

        main()
        """
    )
    status, _, err = launch([program], tmp_path, library)
    assert status == 1
    report = err[err.index("Root Cause") :]
    assert re.search(r"  error_file: /\S+/attempt_0/0/error\.json\n", report)
    assert "  traceback : Traceback (most recent call last):\n" in report
    assert re.search(r'\n    File "\S+program\.py", line 6, in main\n', report)
    assert "\n  ValueError: boom\n  \n=====" in report
    assert "  <NO_OTHER_FAILURES>\n" in err


@pytest.mark.distributed
def test_restarts_have_a_store_of_their_own(script, tmp_path):
    program = script(
        """
        import os, sys
        count = os.environ["TORCHELASTIC_RESTART_COUNT"]
        print(count, os.environ["TORCHELASTIC_MAX_RESTARTS"], os.environ["MASTER_PORT"])
        sys.exit(0 if count == "2" else 3)
        """
    )
    status, out, err = launch(["--standalone", "--max-restarts", 3, program], tmp_path)
    assert status == 0
    lines = [line.split() for line in out.splitlines()]
    assert [line[:2] for line in lines] == [["0", "3"], ["1", "3"], ["2", "3"]]
    assert len({line[2] for line in lines}) == 3
    assert err.count("failed (exitcode: 3)") == 2
    assert "ChildFailedError" not in err


@pytest.mark.distributed
def test_streams(script, tmp_path):
    program = script(
        """
        import os, sys
        print("out", os.environ["RANK"])
        print("err", os.environ["RANK"], file=sys.stderr)
        """
    )

    def streams(*options):
        status, out, err = launch(
            ["--standalone", "--nproc-per-node", 2, *options, program],
            tmp_path,
            OMP_NUM_THREADS="1",
        )
        assert status == 0
        return sorted(out.splitlines()), sorted(err.splitlines())

    def files(folder):
        return {
            "/".join(path.parts[-3:]): path.read_text()
            for path in (tmp_path / folder).rglob("*.log")
        }

    assert streams("-t", "3", "--log-dir", "tee", "--role", "trainer") == (
        ["[trainer0]:out 0", "[trainer1]:out 1"],
        ["[trainer0]:err 0", "[trainer1]:err 1"],
    )
    assert files("tee") == {
        f"attempt_0/{rank}/std{name}.log": f"{name} {rank}\n"
        for rank in range(2)
        for name in ("out", "err")
    }
    assert streams("-r", "1:1", "--log-dir", "redirect") == (["out 0"], ["err 0", "err 1"])
    assert files("redirect") == {"attempt_0/1/stdout.log": "out 1\n"}
    assert streams("--local-ranks-filter", "1") == (["out 1"], ["err 1"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_passed_on(number, script, tmp_path):
    program = script(
        """
        import os, signal, sys, time
        def told(number, frame):
            print("got", number, flush=True)
            sys.exit(0)
        signal.signal(signal.SIGTERM, told)
        signal.signal(signal.SIGINT, told)
        print("ready", flush=True)
        time.sleep(300)
        """
    )
    launcher = start(["--standalone", program], tmp_path)
    assert launcher.stdout.readline() == "ready\n"
    launcher.send_signal(number)
    out, err = launcher.communicate(timeout=FAILURE_LIMIT)
    assert (launcher.returncode, out) == (1, f"got {int(number)}\n")
    assert f"Received {int(number)} death signal, shutting down workers" in err
    assert re.search(rf"SignalException: Process {launcher.pid} got signal: {int(number)}\n$", err)


def both_nodes(arguments, folder, *nodes):
    started = [start([*arguments, *node], folder, OMP_NUM_THREADS="1") for node in nodes]
    results = []
    for process in started:
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        results.append((process.returncode, out, err))
    return results


@pytest.mark.distributed
def test_machines_meet_by_rank(script, tmp_path):
    program, port = script(SHOW), free_port()
    static = ["--nnodes", 2, "--master-addr", "localhost", "--master-port", port]
    results = both_nodes(
        static,
        tmp_path,
        ["--node-rank", 1, "--nproc-per-node", 1, program],
        ["--node-rank", 0, "--nproc-per-node", 2, program],
    )
    assert [code for code, _, _ in results] == [0, 0], results
    names = ("RANK", "LOCAL_RANK", "GROUP_RANK", "LOCAL_WORLD_SIZE", "WORLD_SIZE", "MASTER_PORT")
    seen = [
        [told[name] for name in names]
        for _, out, _ in reversed(results)
        for told, _, _ in shown(out)
    ]
    assert seen == [
        ["0", "0", "0", "2", "3", str(port)],
        ["1", "1", "0", "2", "3", str(port)],
        ["2", "0", "1", "1", "3", str(port)],
    ]


@pytest.mark.distributed
def test_machines_begin_again_together(script, tmp_path):
    program = script(
        """
        import os, sys, time
        count = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
        if count == 0:
            if os.environ["RANK"] == "1":
                sys.exit(3)
            time.sleep(300)
        print(os.environ["RANK"], count, os.environ["WORLD_SIZE"])
        """
    )
    meet = ["--rdzv-backend", "c10d", "--rdzv-endpoint", f"localhost:{free_port()}"]
    options = ["--nnodes", 2, *meet, "--rdzv-id", "job", "--max-restarts", 1, program]
    results = both_nodes(options, tmp_path, [], [])
    assert [code for code, _, _ in results] == [0, 0], results
    assert sorted(out for _, out, _ in results) == ["0 1 2\n", "1 1 2\n"]


def test_a_failure_on_one_machine_ends_the_other(script, tmp_path):
    program = script(
        """
        import os, sys, time
        if os.environ["RANK"] == "1":
            sys.exit(3)
        time.sleep(300)
        """
    )
    meet = ["--rdzv-backend", "c10d", "--rdzv-endpoint", f"localhost:{free_port()}"]
    results = both_nodes(["--nnodes", 2, *meet, program], tmp_path, [], [])
    assert [code for code, _, _ in results] == [1, 1], results
    told = "".join(err for _, _, err in results)
    assert told.count("errors.ChildFailedError: ") == 1
    assert "another node has failed: rank 1 ended with exit code 3" in told


@pytest.mark.distributed
@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_functions(tmp_path, method):
    """In a process of its own: the one of the tests has threads, which a fork would not copy."""
    program = tmp_path / "functions.py"
    program.write_text(
        textwrap.dedent(
            f"""
            import os
            from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
            from torch.distributed.launcher.api import LaunchConfig, elastic_launch

            def double(text):
                return os.environ["RANK"] + text * 2

            def fail(text):
                raise ValueError(text)

            if __name__ == "__main__":
                config = LaunchConfig(
                    1, 1, 2, rdzv_backend="c10d", start_method="{method}", max_restarts=0
                )
                print(elastic_launch(config, double)("ab"))
                try:
                    elastic_launch(config, fail)("boom")
                except ChildFailedError as error:
                    print(error.name, error.get_first_failure()[1].message.splitlines()[-1])
            """
        )
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "jtorch", str(program)],
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "{0: '0abab', 1: '1abab'}\nfail ValueError: boom\n"


def test_names_that_libraries_import():
    from jtorch.distributed.elastic.multiprocessing import Std, start_processes, to_map
    from jtorch.distributed.elastic.multiprocessing.errors import ErrorHandler, record
    from jtorch.distributed.elastic.multiprocessing.errors.error_handler import ErrorHandler as same
    from jtorch.distributed.elastic.multiprocessing.errors.handlers import get_error_handler
    from jtorch.distributed.launch import parse_args
    from jtorch.distributed.launcher import LaunchConfig
    from jtorch.distributed.run import config_from_args, get_args_parser, get_rdzv_endpoint

    assert same is ErrorHandler is type(get_error_handler())
    assert get_rdzv_endpoint(parse_args(["a.py"])) == "127.0.0.1:29500"
    assert not parse_args(["a.py"]).use_env
    assert callable(start_processes) and callable(config_from_args)
    assert Std.from_str("3") is Std.ALL
    assert Std.from_str("0:1,1:2") == {0: Std.OUT, 1: Std.ERR}
    assert to_map({1: Std.ERR}, 2) == {0: Std.NONE, 1: Std.ERR}
    assert record(len)([1]) == 1
    assert ErrorHandler().record_exception(ValueError()) is None
    assert LaunchConfig(1, 1, 1).shutdown_timeout == 30
    parsed = get_args_parser().parse_args(["--nproc_per_node=2", "a.py", "--x", "-m"])
    assert (parsed.nproc_per_node, parsed.training_script_args) == ("2", ["--x", "-m"])


def test_the_console_script_is_declared():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"jtorchrun": "jtorch.distributed.run:console_script"}
    from jtorch.distributed import run

    assert callable(run.console_script)
