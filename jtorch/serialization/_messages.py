"""The longer messages that loading and saving show; their words are PyTorch 2.13's."""

from __future__ import annotations

import re

UNSAFE = (
    "In PyTorch 2.6, we changed the default value of the `weights_only` argument in `torch.load` "
    "from `False` to `True`. Re-running `torch.load` with `weights_only` set to `False` will "
    "likely succeed, but it can result in arbitrary code execution. Do it only if you got the "
    "file from a trusted source."
)
DOCUMENTATION = (
    "\n\nCheck the documentation of torch.load to learn more about types accepted by default with "
    "weights_only https://pytorch.org/docs/stable/generated/torch.load.html."
)
TWO_DTYPES = "Cannot save multiple tensors or storages that view the same data as different types"


def weights_only_failed(message: str) -> str:
    """Return what ``load`` says when the restricted unpickler refuses a file.

    Args:
        message: what the unpickler said.
    """
    if re.search(r"GLOBAL (\S+) was not an allowed global by default.", message):
        return (
            "Weights only load failed. This file can still be loaded, to do so you have two "
            "options, \033[1mdo those steps only if you trust the source of the checkpoint"
            f"\033[0m. \n\t(1) {UNSAFE}\n\t(2) Alternatively, to load with `weights_only=True` "
            "please check the recommended steps in the following error message.\n\t"
            f"WeightsUnpickler error: {message}{DOCUMENTATION}"
        )
    if re.search(r"(\S+) must be (\S+) to load", message):
        return f"Weights only load failed. {message}\n {UNSAFE}\n"
    text = f"Weights only load failed. {UNSAFE}\n"
    if not re.search(r"whose module (\S+) is blocked", message):
        text += (
            "Please file an issue with the following so that we can make `weights_only=True` "
            "compatible with your use case: WeightsUnpickler error: "
        )
    return f"{text}\n\n{message}{DOCUMENTATION}"


def unsupported_global(path: str) -> str:
    """Return what the restricted unpickler says of a name that was not allowed."""
    shown = path.removeprefix("builtins.")
    return (
        f"Unsupported global: GLOBAL {shown} was not an allowed global by default. "
        f"Please use `torch.serialization.add_safe_globals([{shown}])` or the "
        f"`torch.serialization.safe_globals([{shown}])` context manager to allowlist this global "
        "if you trust this class/function."
    )


def damaged_archive(action: str, reason: str) -> str:
    """Return what is said of a zip archive that cannot be read.

    Args:
        action: such as ``"reading zip archive"``.
        reason: such as ``"failed finding central directory"``.
    """
    return (
        f"PytorchStreamReader failed {action}: {reason}. This is an internal miniz error. If you "
        "are seeing this error, there is a high likelihood that your checkpoint file is "
        "corrupted. This can happen if the checkpoint was not saved properly, was transferred "
        "incorrectly, or the file was modified after saving."
    )


def record_size(found: int, expected: int) -> str:
    """Return what is said of a storage whose record has another size than the pickle tells."""
    return (
        f"record size ({found} bytes) does not match expected size ({expected} bytes = "
        f"{expected} elements * 1 bytes/element) for dtype Byte"
    )


def torchscript() -> str:
    """Return what is said of a TorchScript archive."""
    return (
        "Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``. "
        + UNSAFE
    )


def tar_archive() -> str:
    """Return what is said of a file of PyTorch before 0.1.10."""
    return "Cannot use ``weights_only=True`` with files saved in the legacy .tar format. " + UNSAFE


def no_mmap(file_name: str) -> str:
    """Return what is said when a legacy file is to be mapped."""
    shown = f"{file_name}, " if file_name else ""
    return (
        f"mmap can only be used with files saved with `torch.save({shown}"
        "_use_new_zipfile_serialization=True), please torch.save your checkpoint with this "
        "option in order to use mmap."
    )


def device_unavailable(kind: str) -> str:
    """Return what is said of a storage saved on a kind of device that is not here."""
    return (
        f"Attempting to deserialize object on a {kind.upper()} device but "
        f"torch.{kind}.is_available() is False. If you are running on a CPU-only machine, "
        "please use torch.load with map_location=torch.device('cpu') to map your storages to "
        "the CPU."
    )


def device_missing(kind: str, index: int, count: int) -> str:
    """Return what is said of a storage saved on a device whose number is too high."""
    return (
        f"Attempting to deserialize object on {kind.upper()} device {index} but "
        f"torch.{kind}.device_count() is {count}. Please use torch.load with map_location to map "
        "your storages to an existing device."
    )


def device_unregistered(kind: str) -> str:
    """Return what is said of a storage saved on a device that this library never has."""
    return (
        f"The {kind.upper()} device module is not registered. If you are running on a CPU-only "
        "machine, please use torch.load with map_location=torch.device('cpu') to map your "
        "storages to the CPU."
    )


def invalid_name(path: str) -> str:
    """Return what is said of a name that ends with a folder."""
    return f"[enforce fail at inline_container.cc:720] . invalid file name: {path}"


def cannot_open(reason: str) -> str:
    """Return what is said where the system refuses to open the file to be written."""
    return f"[enforce fail at inline_container.cc:747] . open file failed with strerror: {reason}"
