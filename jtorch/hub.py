"""Models from folders and files from addresses: ``torch.hub``.

A folder with a ``hubconf.py`` is loaded; files are downloaded into a cache and checked against
their digest. Repositories of GitHub are fetched as PyTorch fetches them, as an archive.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import os
import re
import shutil
import sys
import tempfile
import uuid
import warnings
import zipfile
from types import ModuleType
from typing import Any
from urllib.parse import urlparse
from urllib.request import Request, urlopen

__all__ = [
    "download_url_to_file",
    "get_dir",
    "help",
    "list",
    "load",
    "load_state_dict_from_url",
    "set_dir",
]

HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")
READ_DATA_CHUNK = 128 * 1024
ENV_TORCH_HOME = "TORCH_HOME"
ENV_GITHUB_TOKEN = "GITHUB_TOKEN"
_MODULE = "hubconf.py"
_OWNERS = ("facebookresearch", "facebookincubator", "pytorch", "fairinternal")
_hub_dir: str | None = None


def _get_torch_home() -> str:
    cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
    return os.path.expanduser(os.getenv(ENV_TORCH_HOME, os.path.join(cache, "torch")))


def get_dir() -> str:
    """Return the folder that models and files are kept in.

    That which ``set_dir`` named, else ``hub`` below ``$TORCH_HOME`` or ``~/.cache/torch``.
    """
    if os.getenv("TORCH_HUB"):
        warnings.warn("TORCH_HUB is deprecated, please use env TORCH_HOME instead", stacklevel=2)
    return os.path.join(_get_torch_home(), "hub") if _hub_dir is None else _hub_dir


def set_dir(d: str | os.PathLike) -> None:
    """Set the folder that models and files are kept in."""
    global _hub_dir
    _hub_dir = os.path.expanduser(d)


def download_url_to_file(
    url: str, dst: str, hash_prefix: str | None = None, progress: bool = True
) -> None:
    """Download a file; it appears under its name when it is whole.

    Args:
        url: its address.
        dst: where to put it.
        hash_prefix: what its SHA-256 digest begins with, in hexadecimal.
        progress: whether to show a bar, where tqdm is installed.
    Raises:
        RuntimeError: the digest is another one.
    """
    request = Request(url, headers={"User-Agent": "torch.hub"})
    target = os.path.expanduser(dst)
    part = f"{target}.{uuid.uuid4().hex}.partial"
    digest = hashlib.sha256() if hash_prefix is not None else None
    try:
        with urlopen(request) as source, open(part, "wb") as file:
            size = source.headers.get("Content-Length")
            shown = _bar_class() if progress else _NoBar
            options = {"unit": "B", "unit_scale": True, "unit_divisor": 1024}
            with shown(total=int(size) if size else None, **options) as bar:
                while chunk := source.read(READ_DATA_CHUNK):
                    file.write(chunk)
                    if digest is not None:
                        digest.update(chunk)
                    bar.update(len(chunk))
        if digest is not None and digest.hexdigest()[: len(hash_prefix or "")] != hash_prefix:
            raise RuntimeError(
                f'invalid hash value (expected "{hash_prefix}", got "{digest.hexdigest()}")'
            )
        shutil.move(part, target)
    finally:
        if os.path.exists(part):
            os.remove(part)


class _NoBar:
    """Counts where tqdm is not installed; takes what a bar of tqdm's takes, and shows nothing.

    Args:
        iterable: what to go through, where it is used in a loop.
        total: accepted, as all the others.
    """

    def __init__(self, iterable: Any = None, total: Any = None, **options: Any):
        self._iterable, self.n = iterable, 0

    def update(self, n: int = 1) -> None:
        """Count on."""
        self.n += n

    def close(self) -> None:
        """Do nothing: there is no bar."""

    def __iter__(self) -> Any:
        for item in self._iterable:
            yield item
            self.update()

    def __enter__(self) -> _NoBar:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _bar_class() -> Any:
    try:
        from tqdm import tqdm  # type: ignore[import-untyped]
    except ImportError:
        return _NoBar
    return tqdm


def __getattr__(name: str) -> Any:
    if name == "tqdm":  # read by other libraries; tqdm takes long to import
        return _bar_class()
    raise AttributeError(f"module 'torch.hub' has no attribute '{name}'")


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = False,
) -> dict[str, Any]:
    """Return what ``torch.load`` makes of a file at an address, downloaded unless it is cached.

    Args:
        url: its address.
        model_dir: where to keep it; ``checkpoints`` below ``get_dir()`` by default.
        map_location: as for ``torch.load``.
        progress: whether to show a bar.
        check_hash: whether the name ends in the first digits of the digest (``net-1a2b3c4d.pth``),
            which the file must have.
        file_name: the name to keep it under; that of the address by default.
        weights_only: as for ``torch.load``. A zip file that holds the file is unpacked.
    """
    import jtorch as torch

    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else model_dir
    os.makedirs(folder, exist_ok=True)
    name = file_name or os.path.basename(urlparse(url).path)
    cached = os.path.join(folder, name)
    if not os.path.exists(cached):
        sys.stdout.flush()
        print(f'Downloading: "{url}" to {cached}', file=sys.stderr)
        found = HASH_REGEX.search(name) if check_hash else None
        download_url_to_file(url, cached, found.group(1) if found else None, progress)
    if _is_plain_archive(cached):
        cached = _unpack(cached, folder)
    return torch.load(cached, map_location=map_location, weights_only=weights_only)


def _is_plain_archive(path: str) -> bool:
    """Tell whether a file is a zip file that is not one of ``torch.save``."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return not any(name.endswith("data.pkl") for name in archive.namelist())


def _unpack(path: str, folder: str) -> str:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) != 1:
            raise RuntimeError("Only one file(not dir) is allowed in the zipfile")
        archive.extractall(folder)
        return os.path.join(folder, members[0].filename)


def _parse(github: str) -> tuple[str, str, str]:
    repository, _, reference = github.partition(":")
    owner, _, name = repository.partition("/")
    return owner, name, reference or "main"


def _is_trusted(owner: str, name: str, trust_repo: Any) -> None:
    path = os.path.join(get_dir(), "trusted_list")
    known = f"{owner}_{name}"
    listed: set[str] = set()
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            listed = set(file.read().split())
    if trust_repo is True or owner in _OWNERS or known in listed:
        pass
    elif sys.stdin is None or not sys.stdin.isatty():
        raise Exception("Untrusted repository.")
    else:
        answer = input(
            f"The repository {owner}_{name} does not belong to the list of trusted repositories "
            "and as such cannot be downloaded. Do you trust this repository and wish to add it to "
            "the trusted list of repositories (y/N)?"
        )
        if answer.lower() not in ("y", "yes"):
            raise Exception("Untrusted repository.")
    if known not in listed and owner not in _OWNERS:
        os.makedirs(get_dir(), exist_ok=True)
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{known}\n")


def _fetch(github: str, force_reload: bool, trust_repo: Any, verbose: bool) -> str:
    """Return the folder of a repository of GitHub, downloaded unless it is cached."""
    owner, name, reference = _parse(github)
    os.makedirs(get_dir(), exist_ok=True)
    folder = os.path.join(get_dir(), "_".join((owner, name, reference.replace("/", "_"))))
    _is_trusted(owner, name, trust_repo)
    if os.path.exists(folder) and not force_reload:
        if verbose:
            sys.stderr.write(f"Using cache found in {folder}\n")
        return folder
    address = f"https://github.com/{owner}/{name}/zipball/{reference}"
    with tempfile.TemporaryDirectory(dir=get_dir()) as place:
        archive = os.path.join(place, "archive.zip")
        download_url_to_file(address, archive, progress=False)
        with zipfile.ZipFile(archive) as opened:
            top = opened.infolist()[0].filename
            opened.extractall(place)
        if os.path.exists(folder):
            shutil.rmtree(folder)
        shutil.move(os.path.join(place, top), folder)
    return folder


def _hubconf(folder: str) -> ModuleType:
    path = os.path.join(folder, _MODULE)
    if not os.path.exists(path):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    sys.path.insert(0, folder)
    try:
        spec = importlib.util.spec_from_file_location(_MODULE, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    needed = getattr(module, "dependencies", None) or ()
    missing = [name for name in needed if not _is_importable(name)]
    if missing:
        raise RuntimeError(f"Missing dependencies: {', '.join(missing)}")
    return module


def _is_importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _folder_of(repo: str, source: str, force: bool, trust_repo: Any, verbose: bool) -> str:
    if source not in ("github", "local"):
        raise ValueError(f'Unknown source: "{source}". Allowed values: "github" | "local".')
    return repo if source == "local" else _fetch(repo, force, trust_repo, verbose)


def _entry(module: ModuleType, name: str) -> Any:
    if not isinstance(name, str):
        raise ValueError("Invalid input: model should be a string of function name")
    found = getattr(module, name, None)
    if found is None or not callable(found):
        raise RuntimeError(f"Cannot find callable {name} in hubconf")
    return found


def _entrypoints(module: ModuleType) -> Any:
    return [name for name in dir(module) if callable(getattr(module, name)) and name[0] != "_"]


def list(
    github: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: Any = "check",
    verbose: bool = True,
) -> Any:
    """Return the names that a repository offers.

    Args:
        github: ``owner/name`` or ``owner/name:tag``.
        force_reload: whether to download it again.
        skip_validation: accepted; the address is not looked up first.
        trust_repo: ``True``, ``False`` or ``"check"``: whether its code may run.
        verbose: whether to say that the cache is used.
    """
    return _entrypoints(_hubconf(_fetch(github, force_reload, trust_repo, verbose)))


def help(
    github: str,
    model: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: Any = "check",
) -> str | None:
    """Return the docstring of what a repository offers; the arguments are those of ``list``."""
    return _entry(_hubconf(_fetch(github, force_reload, trust_repo, True)), model).__doc__


def load(
    repo_or_dir: str,
    model: str,
    *args: Any,
    source: str = "github",
    trust_repo: Any = "check",
    force_reload: bool = False,
    verbose: bool = True,
    skip_validation: bool = False,
    **kwargs: Any,
) -> Any:
    """Call what a repository or a folder offers, and return the result.

    Args:
        repo_or_dir: ``owner/name`` or ``owner/name:tag``; a folder where ``source="local"``.
        model: the name of a function in its ``hubconf.py``.
        *args: for that function, as ``**kwargs`` are.
        source: ``"github"`` or ``"local"``.
        trust_repo: ``True``, ``False`` or ``"check"``: whether its code may run.
        force_reload: whether to download it again.
        verbose: whether to say that the cache is used.
        skip_validation: accepted; the address is not looked up first.
    Raises:
        RuntimeError: there is no such function, or packages that it needs are missing.
    """
    source = source.lower()
    folder = _folder_of(repo_or_dir, source, force_reload, trust_repo, verbose)
    return _entry(_hubconf(folder), model)(*args, **kwargs)
