"""Where the output of workers goes: which streams into files, which of those shown as well."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from typing import TextIO

_FORM = r"^[0123]$", r"^(\d:[0123],)*(\d:[0123])$"
#: Seconds between looks at a file that grows.
_PAUSE = 0.1


class Std(IntFlag):
    """Names streams of a process: none, the output, the errors or both."""

    NONE = 0
    OUT = 1
    ERR = 2
    ALL = 3

    @classmethod
    def from_str(cls, vm: str) -> Std | dict[int, Std]:
        """Return what a text like ``"3"`` (all ranks) or ``"0:1,1:2"`` (by local rank) says.

        Raises:
            ValueError: the text has another form.
        """
        if re.match(_FORM[0], vm):
            return Std(int(vm))
        if re.match(_FORM[1], vm):
            return {int(each[0]): Std(int(each[2])) for each in vm.split(",")}
        raise ValueError(f"{vm} does not match: <{_FORM[0]}> or <{_FORM[1]}>")


def to_map(val_or_map: Std | Mapping[int, Std], local_world_size: int) -> dict[int, Std]:
    """Return the streams of each local rank."""
    if isinstance(val_or_map, Std):
        return dict.fromkeys(range(local_world_size), val_or_map)
    return {rank: val_or_map.get(rank, Std.NONE) for rank in range(local_world_size)}


@dataclass
class LogsDest:
    """Files of the workers, by local rank; an empty name where there is none."""

    stdouts: dict[int, str] = field(default_factory=dict)
    stderrs: dict[int, str] = field(default_factory=dict)
    tee_stdouts: dict[int, str] = field(default_factory=dict)
    tee_stderrs: dict[int, str] = field(default_factory=dict)
    error_files: dict[int, str] = field(default_factory=dict)


class LogsSpecs:
    """Says where the output of workers goes.

    Args:
        log_dir: the folder of all files; a temporary one where it is not given.
        redirects: streams that go into files only.
        tee: streams that go into files and are shown.
        local_ranks_filter: the ranks that are shown; all where it is not given.
    """

    def __init__(
        self,
        log_dir: str | None = None,
        redirects: Std | dict[int, Std] = Std.NONE,
        tee: Std | dict[int, Std] = Std.NONE,
        local_ranks_filter: set[int] | None = None,
    ):
        self._root_log_dir = log_dir
        self._redirects = redirects
        self._tee = tee
        self._local_ranks_filter = local_ranks_filter

    def reify(self, envs: dict[int, dict[str, str]]) -> LogsDest:
        """Make the folders of an attempt and return the names of its files.

        Args:
            envs: the environments of the workers, by local rank.
        """
        raise NotImplementedError

    @property
    def root_log_dir(self) -> str:
        """The folder of all files."""
        return str(self._root_log_dir)


class DefaultLogsSpecs(LogsSpecs):
    """Puts the files into ``<log_dir>/<run id>_<letters>/attempt_<n>/<local rank>/``."""

    def __init__(
        self,
        log_dir: str | None = None,
        redirects: Std | dict[int, Std] = Std.NONE,
        tee: Std | dict[int, Std] = Std.NONE,
        local_ranks_filter: set[int] | None = None,
    ):
        self._is_temporary = log_dir is None
        if log_dir is None:
            log_dir = tempfile.mkdtemp(prefix="torchelastic_")
        else:
            os.makedirs(log_dir, exist_ok=True)
        super().__init__(os.path.abspath(log_dir), redirects, tee, local_ranks_filter)
        self._run_log_dir: str | None = None

    def reify(self, envs: dict[int, dict[str, str]]) -> LogsDest:
        if not envs:
            return LogsDest()
        first = envs[0]
        if self._run_log_dir is None:
            self._run_log_dir = tempfile.mkdtemp(
                prefix=f"{first.get('TORCHELASTIC_RUN_ID', 'test_run_id')}_", dir=self.root_log_dir
            )
        attempt = first.get("TORCHELASTIC_RESTART_COUNT", "0")
        folder = os.path.join(self._run_log_dir, f"attempt_{attempt}")
        shown = self._local_ranks_filter
        redirects, tees = (to_map(each, len(envs)) for each in (self._redirects, self._tee))
        files = LogsDest()
        for rank in envs:
            own = os.path.join(folder, str(rank))
            os.makedirs(own, exist_ok=True)
            is_shown = shown is None or rank in shown
            kept = redirects[rank] | tees[rank] | (Std.NONE if is_shown else Std.ALL)
            for stream, name, to_file, to_both in (
                (Std.OUT, "stdout.log", files.stdouts, files.tee_stdouts),
                (Std.ERR, "stderr.log", files.stderrs, files.tee_stderrs),
            ):
                path = os.path.join(own, name)
                to_file[rank] = path if kept & stream else ""
                to_both[rank] = path if tees[rank] & stream and is_shown else ""
            files.error_files[rank] = os.path.join(own, "error.json")
        return files

    def tidy(self) -> None:
        """Remove the folder where it is a temporary one and no file was written."""
        if self._is_temporary and not any(files for _, _, files in os.walk(self.root_log_dir)):
            shutil.rmtree(self.root_log_dir, ignore_errors=True)

    def __repr__(self) -> str:
        return (
            f"DefaultLogsSpecs(root_log_dir={self._root_log_dir}, redirects={self._redirects}, "
            f"tee={self._tee}, local_ranks_filter={self._local_ranks_filter})"
        )


class TailLog:
    """Shows what workers write into files, line by line, each with a name before it.

    Args:
        files: by local rank; empty names are left out.
        to: where the lines are shown.
        prefixes: what stands before the lines of a rank.
    """

    def __init__(self, files: Mapping[int, str], to: TextIO, prefixes: Mapping[int, str]):
        self._to, self._ended = to, threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._follow, args=(path, prefixes[rank]), daemon=True)
            for rank, path in files.items()
            if path
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Show what is left, and end."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _follow(self, path: str, prefix: str) -> None:
        while not os.path.exists(path):
            if self._ended.wait(_PAUSE):
                break
        if not os.path.exists(path):
            return
        with open(path, errors="replace", encoding="utf-8") as file:
            while True:
                ended = self._ended.is_set()  # before the last lines are read
                self._show(prefix, file)
                if ended:
                    return
                self._ended.wait(_PAUSE)

    def _show(self, prefix: str, lines: Iterable[str]) -> None:
        for line in lines:
            with self._lock, contextlib.suppress(ValueError, OSError):
                self._to.write(f"{prefix}{line}")
                self._to.flush()
