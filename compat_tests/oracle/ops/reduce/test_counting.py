"""Results whose shape depends on the data: what wrong arguments raise, as under PyTorch."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

import jtorch  # noqa: E402

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("name", ["unique", "unique_consecutive"])
@pytest.mark.parametrize(
    "given, keywords",
    [([3], {}), ([[1, 1]], {}), ([3], {"dim": 0}), ([], {"dim": "a"}), ([], {"return_inverse": 3})],
)
def test_wrong_arguments_of_unique(name, given, keywords):
    said = []
    for library in (jtorch, torch):
        with pytest.raises(TypeError) as caught:
            getattr(library, name)(*(given or [library.tensor([1, 1, 2])]), **keywords)
        said.append(str(caught.value))
    assert said[0] == said[1]
