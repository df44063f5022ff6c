"""How the blocks of documentation are found and run, and that each block is of a kind that is."""

from __future__ import annotations

import pytest

from compat_tests import pages
from compat_tests.helpers.paths import ROOT

PAGE = """
# A page

```python
x = 2
```

```python
>>> x + 1
3
```

```{code-block} python
:caption: program.py

print("by a file")
```

```console
$ cat program.py
print("by a file")
$ echo one; \\
  echo two
one
two
```

```{figure} generated/x.svg
```
"""


def run(text: str, tmp_path, monkeypatch, label: str = "page.md") -> int:
    """Run a page in a scratch folder; return how many blocks were wrong."""
    monkeypatch.chdir(tmp_path)
    return pages.run_page(label, text).failed


def test_blocks_are_found_with_their_kind_and_line():
    found = pages.blocks(PAGE)
    assert [block.kind for block in found] == ["python", "python", "file", "console", "directive"]
    assert found[2].name == "program.py"
    lines = PAGE.splitlines()
    for block in found[:4]:
        assert lines[block.line - 1] == block.text.splitlines()[0]


def test_right_page_passes(tmp_path, monkeypatch):
    assert run(PAGE, tmp_path, monkeypatch) == 0
    assert (tmp_path / "program.py").read_text() == 'print("by a file")\n'


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (">>> x + 1\n3", ">>> x + 1\n4"),
        ("one\ntwo", "one"),
        ("$ cat program.py", "$ cat program.py program.py"),
        ("```python\nx = 2", "```python\nx = 2\nprint(x)"),
        ("```python\nx = 2", "```py\nx = 2"),
        ("```python\nx = 2", "```python\nx = 2\n```\n```shell\nls"),
    ],
)
def test_wrong_block_is_noticed(right, wrong, tmp_path, monkeypatch, capsys):
    assert right in PAGE
    text = PAGE.replace(right, wrong)
    if "```py\n" in text:
        text = text.replace("x + 1\n3", "1 + 2\n3")  # which does without the block
    assert run(text, tmp_path, monkeypatch) == 1
    assert "page.md, line" in capsys.readouterr().out


def test_commands_that_set_up_are_not_run(tmp_path, monkeypatch):
    assert run("```shell\ntouch made\n```\n", tmp_path, monkeypatch, pages.SET_UP[0]) == 0
    assert not (tmp_path / "made").exists()


def test_each_block_of_the_documentation_is_of_a_kind_that_is_run():
    found = pages.all_pages()
    assert len(found) > 1
    for path in found:
        label = path.relative_to(ROOT).as_posix()
        kinds = {block.kind for block in pages.blocks(path.read_text(encoding="utf-8"))}
        assert "unknown" not in kinds, label
        assert "shell" not in kinds or label in pages.SET_UP, label


def test_no_fence_is_left_open():
    for path in pages.all_pages():
        lines = path.read_text(encoding="utf-8").splitlines()
        fences = [line for line in lines if line.startswith("```")]
        assert len(fences) % 2 == 0, path
