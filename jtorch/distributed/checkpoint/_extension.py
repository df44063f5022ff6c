"""Transformations of what is written, such as compression: experimental in PyTorch, too."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import IO

__all__ = ["Extension", "ExtensionRegistry", "StreamTransformExtension"]


class Extension(abc.ABC):
    """Something that a checkpoint was written with, named in its metadata."""

    @staticmethod
    @abc.abstractmethod
    def registry_name() -> str:
        """Return the name of this kind."""

    @staticmethod
    @abc.abstractmethod
    def from_descriptor(version: str) -> Extension:
        """Return the extension that a descriptor names, given what follows its name."""

    @abc.abstractmethod
    def get_descriptor(self) -> str:
        """Return the name, a slash, and a version."""

    def __str__(self) -> str:
        return type(self).__name__


class StreamTransformExtension(Extension):
    """Transforms the bytes of each entry."""

    @abc.abstractmethod
    def transform_to(self, output: IO[bytes]) -> IO[bytes]:
        """Return a file that writes the transformed bytes to another."""

    @abc.abstractmethod
    def transform_from(self, input: IO[bytes]) -> IO[bytes]:
        """Return a file that reads what was transformed from another."""


class ExtensionRegistry:
    """Which extensions a reader knows, by name."""

    def __init__(self) -> None:
        self.extensions: dict[str, type[Extension]] = {}

    def register(self, cls: type[Extension]) -> None:
        """Add an extension."""
        self.extensions[cls.registry_name()] = cls

    def from_descriptor_list(self, descriptors: Sequence[str]) -> Sequence[Extension]:
        """Return the extensions that descriptors name.

        Raises:
            ValueError: for a name that is not registered.
        """
        found = []
        for descriptor in descriptors:
            name, _, version = descriptor.partition("/")
            extension = self.extensions.get(name)
            if not extension:
                raise ValueError(f"Unknown extension {name=}")
            found.append(extension.from_descriptor(version))
        return found
