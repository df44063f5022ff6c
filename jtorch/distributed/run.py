"""Starting a program in several processes: ``torchrun``, ``python -m torch.distributed.run``.

::

    python -m jtorch.distributed.run --nproc-per-node 4 train.py --epochs 3

Each process runs ``python -m jtorch train.py --epochs 3`` and knows from ``RANK``, ``LOCAL_RANK``,
``WORLD_SIZE``, ``MASTER_ADDR`` and ``MASTER_PORT`` who it is; ``init_process_group()`` reads them.
"""

from __future__ import annotations

import os
import runpy
import sys
import uuid
from argparse import REMAINDER, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from typing import Any

from .argparse_util import check_env, env
from .elastic.multiprocessing.api import DefaultLogsSpecs, Std
from .elastic.multiprocessing.errors import record
from .launcher.api import PACKAGE, LaunchConfig, elastic_launch

_OMP_WARNING = """
*****************************************
Setting OMP_NUM_THREADS environment variable for each process to be 1 in default, to avoid your \
system being overloaded, please further tune the variable for optimal performance in your \
application as needed. \n\
*****************************************"""


def get_args_parser() -> ArgumentParser:
    """Return the parser of the command line; every option can come from ``PET_<NAME>``."""
    parser = ArgumentParser(description="Start a program in several processes, and watch them.")

    def option(name: str, *short: str, **settings: Any) -> None:
        spelled = dict.fromkeys((f"--{name}", f"--{name.replace('-', '_')}"))
        parser.add_argument(*short, *spelled, **{"action": env, "type": str, **settings})

    def flag(name: str, *short: str, **settings: Any) -> None:
        spelled = dict.fromkeys((f"--{name}", f"--{name.replace('-', '_')}"))
        parser.add_argument(*short, *spelled, action=check_env, **settings)

    option("nnodes", default="1:1", help="Machines, or fewest:most.")
    option("nproc-per-node", default="1", help="Processes here: a number, auto, cpu or gpu.")
    option("rdzv-backend", default="static", help="How machines meet: static or c10d.")
    option("rdzv-endpoint", default="", help="Where they meet: host:port.")
    option("rdzv-id", default="none", help="The job, to keep several apart.")
    option("rdzv-conf", default="", help="Further settings: key=value,key=value.")
    flag("standalone", help="One machine; a free port.")
    option("max-restarts", type=int, default=0, help="Attempts after the first.")
    option("monitor-interval", type=float, default=0.1, help="Seconds between looks.")
    option(
        "start-method",
        default="spawn",
        choices=["spawn", "fork", "forkserver"],
        help="How processes of functions are started.",
    )
    option("event-log-handler", default="null", help="Has no effect.")
    option("role", default="default", help="A name for the processes.")
    flag("module", "-m", help="The program is a module, as for python -m.")
    flag("no-python", help="The program is a command of its own.")
    flag("run-path", help="Run the script by runpy in a process of multiprocessing.")
    option("log-dir", default=None, help="Folder of the files with output.")
    option("redirects", "-r", default="0", help="Streams that go into files: 3, or 0:1,1:2.")
    option("tee", "-t", default="0", help="Streams that go into files and are shown.")
    option("local-ranks-filter", default="", help="Ranks whose output is shown: 0,1.")
    option("duplicate-stdout-filters", default="", help="Not supported.")
    option("duplicate-stderr-filters", default="", help="Not supported.")
    option("node-rank", type=int, default=0, help="Which machine this is (static).")
    option("master-addr", default="127.0.0.1", help="The first machine (static).")
    option("master-port", type=int, default=29500, help="A port of it (static).")
    option("local-addr", default=None, help="The address of this machine.")
    option("logs-specs", default=None, help="Not supported.")
    option(
        "numa-binding",
        default=None,
        choices=["node", "socket", "exclusive", "core-complex"],
        help="Not supported.",
    )
    option(
        "signals-to-handle",
        default="SIGTERM,SIGINT,SIGHUP,SIGQUIT",
        help="Signals that are passed on to the processes.",
    )
    option("shutdown-timeout", type=int, default=None, help="Seconds from SIGTERM to SIGKILL.")
    flag("virtual-local-rank", help="LOCAL_RANK is 0, and one GPU is visible.")
    parser.add_argument("training_script", type=str, help="The program.")
    parser.add_argument("training_script_args", nargs=REMAINDER, help="Its arguments.")
    return parser


def parse_args(args: Sequence[str] | None) -> Namespace:
    """Return the options of a command line."""
    return get_args_parser().parse_args(args)


def parse_min_max_nnodes(nnodes: str) -> tuple[int, int]:
    """Return the fewest and the most machines of ``"2"`` or ``"1:4"``.

    Raises:
        RuntimeError: the text has another form.
    """
    parts = nnodes.split(":")
    if len(parts) > 2:
        raise RuntimeError(f'nnodes={nnodes} is not in "MIN:MAX" format')
    return int(parts[0]), int(parts[-1])


def determine_local_world_size(nproc_per_node: str) -> int:
    """Return the number of processes that ``"4"``, ``"cpu"``, ``"gpu"`` or ``"auto"`` means here.

    Raises:
        ValueError: it means none.
    """
    if nproc_per_node.lstrip("+-").isdecimal():
        return int(nproc_per_node)
    from .. import cuda

    if nproc_per_node == "cpu":
        return os.cpu_count() or 1
    if nproc_per_node == "gpu":
        if not cuda.is_available():
            raise ValueError("Cuda is not available.")
        return cuda.device_count()
    if nproc_per_node == "auto":
        return cuda.device_count() if cuda.is_available() else os.cpu_count() or 1
    raise ValueError(f"Unsupported nproc_per_node value: {nproc_per_node}")


def get_rdzv_endpoint(args: Namespace) -> str:
    """Return where machines meet: the endpoint, or the master's address and port (static)."""
    if args.rdzv_backend == "static" and not args.rdzv_endpoint:
        return f"{args.master_addr}:{args.master_port}"
    return args.rdzv_endpoint


def get_use_env(args: Namespace) -> bool:
    """Return whether the local rank is left to ``LOCAL_RANK``; only ``launch`` can say no."""
    return getattr(args, "use_env", True)


def _rendezvous_settings(text: str) -> dict[str, str]:
    settings = {}
    for each in filter(None, (part.strip() for part in text.split(","))):
        key, _, value = (part.strip() for part in each.partition("="))
        if not key:
            raise ValueError(
                "The rendezvous configuration string must be in format "
                "<key1>=<value1>,...,<keyN>=<valueN>."
            )
        if not value:
            raise ValueError(
                f"The rendezvous configuration option '{key}' must have a value specified."
            )
        settings[key] = value
    return settings


def _logs(args: Namespace) -> DefaultLogsSpecs:
    if args.logs_specs:
        raise NotImplementedError("--logs-specs: jtorch has no other ways to keep logs")
    shown = None
    if args.local_ranks_filter:
        try:
            shown = {int(rank) for rank in args.local_ranks_filter.split(",")}
        except ValueError:
            raise ValueError(
                "--local_ranks_filter must be a comma-separated list of integers e.g. "
                "--local_ranks_filter=0,1,2"
            ) from None
    redirects, tee = Std.from_str(args.redirects), Std.from_str(args.tee)
    return DefaultLogsSpecs(args.log_dir, redirects, tee, shown)


def run_script_path(training_script: str, *training_script_args: str) -> None:
    """Run a script as ``__main__`` in this process."""
    sys.argv = [training_script, *training_script_args]
    runpy.run_path(training_script, run_name="__main__")


def _command(args: Namespace) -> tuple[Callable[..., Any] | str, list[str]]:
    """Return what each worker runs: a command or a function, and its arguments."""
    rest = list(args.training_script_args)
    if not get_use_env(args):
        rest.insert(0, "--local-rank=${local_rank}")
    if args.run_path:
        return run_script_path, [args.training_script, *rest]
    if args.no_python:
        if args.module:
            raise ValueError(
                "Don't use both the '--no-python' flag and the '--module' flag at the same time."
            )
        return args.training_script, rest
    named = ["-m", args.training_script] if args.module else [args.training_script]
    return sys.executable, ["-u", "-m", PACKAGE, *named, *rest]


def config_from_args(
    args: Namespace,
) -> tuple[LaunchConfig, Callable[..., Any] | str, list[str]]:
    """Return what a command line says: how to launch, what, and with which arguments."""
    least, most = parse_min_max_nnodes(args.nnodes)
    assert 0 < least <= most, (
        f"min_nodes must be > 0 and <= max_nodes, got min_nodes={least}, max_nodes={most}"
    )
    assert args.max_restarts >= 0, "max_restarts must be >= 0"
    processes = determine_local_world_size(args.nproc_per_node)
    assert processes > 0, f"nproc_per_node must be > 0, got {processes}"
    if args.numa_binding:
        raise NotImplementedError("--numa-binding: jtorch divides the cores of a machine evenly")
    command, arguments = _command(args)
    if "OMP_NUM_THREADS" not in os.environ and processes > 1:
        print(_OMP_WARNING, file=sys.stderr)
        os.environ["OMP_NUM_THREADS"] = "1"
    settings: dict[str, Any] = _rendezvous_settings(args.rdzv_conf)
    if args.rdzv_backend == "static":
        settings["rank"] = args.node_rank
    config = LaunchConfig(
        min_nodes=least,
        max_nodes=most,
        nproc_per_node=processes,
        logs_specs=_logs(args),
        run_id=args.rdzv_id,
        role=args.role,
        rdzv_endpoint=get_rdzv_endpoint(args),
        rdzv_backend=args.rdzv_backend,
        rdzv_configs=settings,
        max_restarts=args.max_restarts,
        monitor_interval=args.monitor_interval,
        start_method=args.start_method,
        local_addr=args.local_addr,
        event_log_handler=args.event_log_handler,
        signals_to_handle=args.signals_to_handle,
        duplicate_stdout_filters=[args.duplicate_stdout_filters]
        * bool(args.duplicate_stdout_filters),
        duplicate_stderr_filters=[args.duplicate_stderr_filters]
        * bool(args.duplicate_stderr_filters),
        virtual_local_rank=args.virtual_local_rank,
        shutdown_timeout=args.shutdown_timeout,
    )
    return config, command, arguments


def run(args: Namespace) -> None:
    """Start the processes that a command line asks for, and wait for them.

    Raises:
        ChildFailedError: a process failed.
    """
    alone = parse_min_max_nnodes(args.nnodes) == (1, 1)
    default = args.rdzv_backend == "static" and not args.rdzv_endpoint
    defaults = get_args_parser()
    unnamed = all(
        getattr(args, name) == defaults.get_default(name) for name in ("master_addr", "master_port")
    )
    if args.standalone or (alone and default and unnamed):
        args.rdzv_backend, args.rdzv_endpoint = "c10d", "localhost:0"
        args.rdzv_id = str(uuid.uuid4())
    config, command, arguments = config_from_args(args)
    elastic_launch(config, command)(*arguments)


@record
def main(args: Sequence[str] | None = None) -> None:
    """Start a program in several processes.

    Args:
        args: the command line, without the name of the program.
    """
    run(parse_args(args))


def as_program(module: str, arguments: Sequence[str]) -> None:
    """Run this module, or ``launch``, as ``python -m jtorch -m torch.distributed.run`` does."""
    from ..__main__ import main as run_on_jtorch

    run_on_jtorch(["-m", f"torch.distributed.{module}", *arguments])


def console_script() -> None:
    """Start what the command line of ``jtorchrun`` says."""
    as_program("run", sys.argv[1:])


if __name__ == "__main__":
    if __spec__ is not None and __spec__.name.startswith("torch."):
        main()
    else:
        as_program("run", sys.argv[1:])
