"""``save``: writing any object, its tensors apart from the rest."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from . import _config
from ._atomic import replace_file, restore_on_failure
from ._legacy import pickle_legacy, write_storages
from ._load import load_from_bytes
from ._messages import cannot_open, invalid_name
from ._pickler import StorageTable, deeper, pickle_object
from ._zip_writer import ZipWriter

DEFAULT_PROTOCOL = 2


def save(
    obj: object,
    f: Any,
    pickle_module: Any = pickle,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Save an object in PyTorch's format.

    A file takes the place of an older one of its name only when it is complete. Other names (hard
    links) of the older one keep its contents, and a full disk leaves it as it was.

    Args:
        obj: tensors, modules' ``state_dict``, or anything that can be pickled.
        f: name of a file, or an object with ``write`` and ``flush``.
        pickle_module: replaces ``pickle``.
        pickle_protocol: ``load`` with ``weights_only=True`` reads protocol 2, the default.
    Raises:
        AttributeError: if ``f`` is neither a name nor has ``write``.
        RuntimeError: if there is no such folder, or if two tensors see one storage as two dtypes.
        OSError: if the file cannot be written.
    """
    _check_dill(pickle_module)
    is_path = isinstance(f, (str, os.PathLike))
    if not is_path and not hasattr(f, "write"):
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with a 'write' attribute"
        )
    if is_path:
        f = os.fspath(f)
    elif not callable(f.write):
        shown = str(type(f)).strip("<>")
        raise TypeError(f"Buffer of {shown} has no callable attribute 'write'")
    write_contents: Callable[[Any], None]
    if _use_new_zipfile_serialization:
        if is_path:
            _check_path(f)
        data, table = pickle_object(obj, pickle_protocol, pickle_module)
        root = _archive_name(f) if is_path else "archive"

        def write_contents(file: Any) -> None:
            _write_archive(file.write, root, data, table, not _disable_byteorder_record)
    else:
        if _config.thread_state.skip_data:
            raise RuntimeError(
                "Cannot use skip_data=True with _use_new_zipfile_serialization=False"
            )
        head, storages = deeper(lambda: pickle_legacy(obj, pickle_protocol, pickle_module))

        def write_contents(file: Any) -> None:
            write = _write_all(file.write)
            write(head)
            write_storages(write, storages)

    # By now everything that pickling can raise has been raised, and nothing has been written.
    with _opened(f, is_path, _use_new_zipfile_serialization) as file:
        write_contents(file)
        file.flush()


@contextlib.contextmanager
def _opened(f: Any, is_path: bool, zipped: bool) -> Iterator[Any]:
    if not is_path:
        with restore_on_failure(f) as file:
            try:
                yield file
            except BaseException:
                if not zipped:
                    file.flush()  # what this raises is what a user of PyTorch sees
                raise
        return
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(replace_file(f))
        except OSError as error:
            if not zipped or error.strerror is None:
                raise
            raise RuntimeError(cannot_open(error.strerror)) from None
        yield file


def _check_path(path: str) -> None:
    """Raise what PyTorch raises for a name that can be no file's."""
    folder, name = os.path.split(path)
    if folder and not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {folder} does not exist.")
    if not name:
        raise RuntimeError(invalid_name(path))


def _archive_name(path: str) -> str:
    """Return the name of the folder inside the archive: the file's, without its ending."""
    if not path.isascii():
        return "archive"
    name = os.path.basename(path)
    return name.rpartition(".")[0] or name.lstrip(".") or "archive"


def _write_all(write: Callable[[Any], int | None]) -> Callable[[Any], None]:
    def write_all(data: Any) -> None:
        if data.__class__ is bytes:  # a file of text is to say that it takes no bytes
            taken = write(data)
            if taken is None or taken == len(data):
                return
            data = data[taken:]
        # ``ZipWriter`` knows how to write to a file that takes less than it was given.
        ZipWriter(write, "")._write(data)

    return write_all


def _write_archive(
    write: Callable[[Any], int | None],
    root: str,
    data: bytes,
    table: StorageTable,
    byte_order: bool,
) -> None:
    options = _config.save
    archive = ZipWriter(write, root, options.storage_alignment, options.compute_crc32)
    archive.write_record("data.pkl", data)
    archive.write_record(".format_version", b"1")
    archive.write_record(".storage_alignment", str(options.storage_alignment).encode())
    if byte_order:
        archive.write_record("byteorder", sys.byteorder.encode())
    for key, description, _ in table.items():
        if _config.thread_state.skip_data:
            archive.write_hole(f"data/{key}", description.nbytes)
        else:
            archive.write_record(f"data/{key}", description.contents())
    archive.write_record("version", b"3\n")
    archive.write_record(".data/serialization_id", archive.serialization_id().encode())
    archive.finish()


def reduce_tensor(tensor: Any) -> tuple:
    """Return what ``pickle`` itself, outside ``save``, is to write for a tensor: a file of its own.

    Args:
        tensor: a tensor or a parameter, for whose ``__reduce_ex__`` this is.
    """
    buffer = io.BytesIO()
    save(tensor, buffer)
    return load_from_bytes, (buffer.getvalue(),)


def _check_dill(pickle_module: Any) -> None:
    if pickle_module is not None and pickle_module.__name__ == "dill":
        required = (0, 3, 1)
        if not check_module_version_greater_or_equal(pickle_module, required, False):
            raise ValueError(
                f"'torch' supports dill >= {'.'.join(map(str, required))}, but you have dill "
                f"{pickle_module.__version__}. Please upgrade dill or switch to 'pickle'"
            )


def check_module_version_greater_or_equal(
    module: Any, req_version_tuple: tuple, error_if_malformed: bool = True
) -> bool:
    """Tell whether a module's version is at least the one required.

    Args:
        module: has ``__version__``.
        req_version_tuple: such as ``(0, 3, 1)``.
        error_if_malformed: whether a version of another form is an error or only warned of.
    Raises:
        RuntimeError: for a version of another form.
    """
    try:
        parts = module.__version__.split(".")
        found = tuple(
            type(want)(part) for want, part in zip(req_version_tuple, parts, strict=False)
        )
        if len(found) < len(req_version_tuple):
            raise IndexError("list index out of range")
        return found >= req_version_tuple
    except Exception as error:
        message = (
            f"'{module.__name__}' module version string is malformed '{module.__version__}' and "
            f"cannot be compared with tuple {req_version_tuple!s}"
        )
        if error_if_malformed:
            raise RuntimeError(message) from error
        warnings.warn(message + ", but continuing assuming that requirement is met", stacklevel=2)
        return True
