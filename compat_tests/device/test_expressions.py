"""The expressions recorded from PyTorch's CPU, with everything that they make on the device."""

from __future__ import annotations

import re

import pytest

from compat_tests.helpers.expressions import families, outcome, read

#: What a GPU does in another way, PyTorch's too.
RANDOM = re.compile(
    r"rand|normal|dropout|bernoulli|multinomial|uniform_|exponential_|geometric_|cauchy_|rrelu|"
    r"gumbel|poisson|binomial|fractional_max|nn\.(Linear|Conv|Embedding|Bilinear|RNN|LSTM|GRU)"
)
ON_THE_HOST = re.compile(
    r"np\.|numpy|__array|dlpack|frombuffer|DoubleTensor|FloatTensor|\.type\(\)|"
    r"f'\{|pin_memory|x\.to\(0\)|group_norm.*channels_last"
)
#: Errors in elements: a kernel of a GPU cannot raise them.
OF_ELEMENTS = re.compile(
    r"out of range|out of bounds|ZeroDivisionError|should be between|has to be 0|singular|"
    r"not in the valid range|can not be greater than|should be non-negative|positive-definite|"
    r"must be non-negative|range \[0, 1\]|invalid max index|INDICES element|failed to converge|"
    r"element in 'lengths'|monotonically|sorted|Expected.*targets|class values"
)
OF_A_KERNEL = re.compile(r'"\w+" not implemented for|alloc_cpu|mkl|_cpu')

SKIPPED_FAMILIES = {"devices", "random", "dropout", "numpy_bridge"}


def on_any_device(text: str) -> str:
    """Return an outcome without what says where a tensor is, and what is said once a process."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r" \[UserWarning: This overload of [^]]*\]$", "", text)
    return text.replace(", device='cuda:0'", "").replace("cuda:0", "cpu")


def holds(expression: str, outcome: str) -> bool:
    return not any(
        pattern.search(text)
        for pattern, text in (
            (RANDOM, expression),
            (ON_THE_HOST, expression),
            (OF_ELEMENTS, outcome),
            (OF_A_KERNEL, outcome),
        )
    )


RECORDED = {
    f"{family}-{number}": (expression, answer)
    for family in families()
    if family not in SKIPPED_FAMILIES
    for number, (expression, answer) in enumerate(read(family).items())
    if holds(expression, answer)
}


@pytest.mark.parametrize("case", RECORDED)
def test_outcome_is_that_of_the_cpu(torch, device, case):
    expression, recorded = RECORDED[case]
    with device:
        found = outcome(torch, expression)
    assert on_any_device(found) == on_any_device(recorded), expression
