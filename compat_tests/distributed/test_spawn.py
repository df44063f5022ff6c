"""``torch.multiprocessing.spawn``: processes of one function, which fail together."""

from __future__ import annotations

import os
import pickle
import re
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from compat_tests.helpers.processes import child_environment, command_of

LIMIT = 180
FAILURE_LIMIT = 15

PROGRAM = """
    import os, signal, sys, time
    import torch.multiprocessing as mp
    from torch.multiprocessing.spawn import ProcessException

    def action(index, folder):
        if index == 1:
            while not os.path.exists(folder + "/there"):
                time.sleep(0.01)
            open(folder + "/failing", "w").close()
            {}
        open(folder + "/there", "w").close()
        time.sleep(300)

    if __name__ == "__main__":
        try:
            mp.{}(action, (sys.argv[1],), nprocs=2)
        except ProcessException as error:
            print(type(error).__module__, type(error).__name__, error.error_index)
            print(getattr(error, "exit_code", None), getattr(error, "signal_name", None))
            print(error)
"""
EXITED = "torch.multiprocessing.spawn ProcessExitedException 1\n"
FAILURES = {
    "raises": (
        "raise ValueError('boom')",
        r"torch\.multiprocessing\.spawn ProcessRaisedException 1\nNone None\n\n\n"
        r"-- Process 1 terminated with the following error:\n"
        r"Traceback \(most recent call last\):\n(.*\n)*"
        r'  File "\S+program\.py", line 11, in action\n(.*\n)*ValueError: boom\n\n',
    ),
    "exits": (
        "sys.exit(3)",
        re.escape(EXITED + "3 None\nprocess 1 terminated with exit code 3\n"),
    ),
    "is killed": (
        "os.kill(os.getpid(), signal.SIGKILL)",
        re.escape(EXITED + "-9 SIGKILL\nprocess 1 terminated with signal SIGKILL\n"),
    ),
}


def run(text, folder, library="jtorch"):
    program = folder / "program.py"
    program.write_text(textwrap.dedent(text))
    return subprocess.run(
        [*command_of(library), str(program), str(folder)],
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )


@pytest.mark.parametrize("library", ["jtorch", pytest.param("torch", marks=pytest.mark.oracle)])
@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_ends_the_others(name, library, tmp_path):
    action, expected = FAILURES[name]
    done = run(PROGRAM.format(action, "spawn"), tmp_path, library)
    assert re.fullmatch(expected, done.stdout), done.stdout + done.stderr
    assert time.time() - (tmp_path / "failing").stat().st_mtime < FAILURE_LIMIT


@pytest.mark.distributed
@pytest.mark.parametrize("library", ["jtorch", pytest.param("torch", marks=pytest.mark.oracle)])
def test_forked_processes_fail_alike(library, tmp_path):
    action, expected = FAILURES["exits"]
    text = PROGRAM.replace("nprocs=2", "nprocs=2, start_method='fork'")
    done = run(text.format(action, "start_processes"), tmp_path, library)
    assert re.fullmatch(expected, done.stdout), done.stdout + done.stderr


@pytest.mark.parametrize("library", ["jtorch", pytest.param("torch", marks=pytest.mark.oracle)])
def test_processes_to_wait_for(library, tmp_path):
    text = """
        import sys
        import torch.multiprocessing as mp
        from torch.multiprocessing.spawn import ProcessContext

        def write(index, folder, *words):
            with open(f"{folder}/{index}", "w") as file:
                file.write(" ".join(words))

        if __name__ == "__main__":
            started = mp.spawn(write, (sys.argv[1], "a", "b"), nprocs=2, join=False)
            print(type(started) is ProcessContext, len(started.processes), len(started.pids()))
            while not started.join():
                pass
            print(started.join(), [process.exitcode for process in started.processes])
            print([open(f"{sys.argv[1]}/{index}").read() for index in range(2)])
            print(mp.spawn(write, (sys.argv[1],), nprocs=0))
    """
    done = run(text, tmp_path, library)
    assert done.stdout == "True 2 2\nTrue [0, 0]\n['a b', 'a b']\nNone\n", done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux tells children")
@pytest.mark.distributed
def test_processes_end_with_a_parent_that_is_killed(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(
            """
            import os, time
            import torch.multiprocessing as mp

            def wait(index):
                print(os.getpid(), flush=True)
                time.sleep(300)

            if __name__ == "__main__":
                mp.spawn(wait)
            """
        )
    )
    parent = subprocess.Popen(
        [*command_of("jtorch"), str(program)],
        env=child_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    end = time.monotonic() + FAILURE_LIMIT
    try:
        parent.stdout.read()  # until the child, which has it too, has ended
        assert time.monotonic() < end
    finally:
        parent.stdout.close()
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            pass


def test_exceptions_travel(torch):
    mp = torch.multiprocessing
    raised = mp.ProcessRaisedException("words", 1, 2)
    exited = mp.ProcessExitedException("words", 1, 2, -9, "SIGKILL")
    for error in (raised, exited):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert vars(again) == vars(error)
        assert str(again) == "words"


def test_another_start_method_is_named(torch):
    words = (
        "This method only supports start_method=spawn (got: fork).\n"
        "To use a different start_method use:\n\t\t"
        " torch.multiprocessing.start_processes(...)"
    )
    with pytest.warns(FutureWarning, match=f"^{re.escape(words)}$"):
        torch.multiprocessing.spawn(len, nprocs=0, start_method="fork")
