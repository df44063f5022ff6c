"""What a file may ask of the reader, so that no small file costs unbounded memory or time."""

from __future__ import annotations

#: Bytes of pickled structure (not of storages) in one archive or legacy file.
MAX_PICKLE_BYTES = 2**31
#: Objects that a pickle may name for later use.
MAX_MEMO = 2**26
#: Open lists, tuples and dicts around one another.
MAX_NESTING = 10_000
#: Elements, nested ones included, of a tuple that is the key of a dict or an element of a set.
MAX_KEY_NODES = 10_000
MAX_KEY_DEPTH = 100
#: Keys of one dict, or elements of one set, that have the same hash.
MAX_EQUAL_HASHES = 100
#: Bytes that the calls of a pickle may copy, plus a multiple of its own; an item of a container
#: counts as several.
COPY_ALLOWANCE = 2**18
COPY_RATIO = 2
COPY_ITEM = 4
#: Bytes that views of a storage may take, as arrays of their own: a multiple of the storage's.
VIEW_RATIO = 4
#: Dimensions of a tensor.
MAX_DIMS = 64
#: Bytes of a module's or a class' name.
MAX_NAME_BYTES = 4096
#: Members of a zip archive, and bytes of its directory.
MAX_MEMBERS = 2**22
MAX_DIRECTORY_BYTES = 2**30
#: Compressed members (PyTorch writes none) may grow to this much, plus a multiple of the file.
COMPRESSED_ALLOWANCE = 2**24
COMPRESSED_RATIO = 32
#: Elements of a tensor; PyTorch counts them in a signed 64-bit integer.
MAX_NUMEL = 2**63 - 1
