"""What is known about the documents' blocks beforehand: errata, random and timed lines, sizes.

Each table is keyed by block and says why. A block that stands in none of them must print what its
document shows, character by character.
"""

from __future__ import annotations

# How many blocks each kind of document holds: the keys below count on it.
BLOCK_COUNTS = {"tutorial": 55, "article": 4, "course": 3, "book": 2}

# key: (documented text, what PyTorch 2.13 prints, reason)
ERRATA = {
    "tutorial-00": (
        "tensor([1.2000, 3.6000, 2.4000])",
        "tensor([0.6000, 1.2000, 0.9000])",
        "the values were changed after the output had been pasted",
    ),
    "article-01": ("SqrtBackward>", "SqrtBackward0>", "spelled without a number before 1.9"),
    "article-03": (
        "tensor([[1.5000, 1.3536],\n        [1.3536, 1.2887]])",
        "tensor([[0.5000, 0.3536],\n        [0.3536, 0.2887]])",
        "the author's gradient held 1 from an earlier backward; half of 1 / sqrt(T) is what it is",
    ),
    "book-00": (
        "tensor([[ 21.,  21.],\n        [ 21.,  21.]])",
        "tensor([[21., 21.],\n        [21., 21.]], grad_fn=<AddBackward0>)",
        "PyTorch 0.4 padded whole numbers, and showed no grad_fn",
    ),
}

# Blocks that draw random numbers and print what follows from them. The document's figures are from
# one unseeded run; the printed form must be the documented one, and under a seed the text must be
# what PyTorch prints under it (golden/seed_blocks.json).
RANDOM = {
    "tutorial-13": "a permutation",
    "tutorial-14": "rows in random order",
    "tutorial-15": "rows in random order, split",
    "tutorial-16": "rows in random order, split by columns too",
    "tutorial-45": "a random point",
    "tutorial-47": "gradient descent from a random point",
    "tutorial-48": "gradient descent from a random point",
    "tutorial-52": "the loss of random weights",
    "tutorial-53": "training from random weights",
    "tutorial-54": "training from random weights",
}

# Random blocks whose printed numbers may differ from PyTorch's in the last digits.
# key: (relative tolerance of each printed number, reason)
APPROXIMATE = {
    "tutorial-52": (1e-5, "six digits of a mean of a thousand squares, summed in another order"),
    "tutorial-53": (2e-5, "seven digits of a thousand such means, each step on the last"),
}

# Blocks of which the document shows no output: PyTorch's is recorded in golden/seed_blocks.json.
UNDOCUMENTED = {
    "course-00": "the page runs its code in a sandbox",
    "course-01": "the page runs its code in a sandbox",
    "course-02": "the page runs its code in a sandbox",
}

# Blocks that print how long something took: their printed form is compared, not the numbers.
TIMED = {
    "tutorial-28": "adds lists and tensors",
    "tutorial-38": "multiplies matrices on CPU and GPU",
}

# The only changes ever made to a block. key: (written, run instead, reason)
REDUCED = {
    "tutorial-28": ("100_000_000", "100_000", "lists of 10 GB say nothing more"),
    "tutorial-38": ("10_000", "200", "a test is not a benchmark"),
}

# Blocks that need a GPU. Without one they must end as the tutorial says they do.
CUDA = ("tutorial-35", "tutorial-36", "tutorial-37", "tutorial-38")
WITHOUT_CUDA = "AssertionError: Torch not compiled with CUDA enabled"

# A full error message differs from the documented one only in what follows it.
LONGER_ERRORS = {
    "tutorial-36": "newer releases append where they noticed it",
}
