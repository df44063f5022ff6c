"""The reading of documents and the comparison of printed text, on small documents of our own."""

from __future__ import annotations

import pytest

from compat_tests.documents import extraction, printed_text

TUTORIAL = """
```shell
pip install something
```
```python
print(1)
```
```{.text .no-copy}
1
```

=== "A tab"

    ```python hl_lines="1"
    x = 2
    if x:
        print(x)
    ```

Text between.

```
not an output
```
"""

ARTICLE = """
<pre>import torch
x = 1
print(x)
1

y = x &lt; 2
print(y)
True
</pre>
Again:
<pre>y = x &lt; 2
print(y)
True
</pre>
"""

COURSE = """
12345
import torch # A comment x = torch.ones(2) x.backward() print(f"x: {x}")
copy
"""

BOOK = """
<tr><th>Output[1]</th><td>first</td></tr>
<tr><th>Input[2]</th><td>z = 1<br>print(z)</td></tr>
<tr><th>Output[2]</th><td>1</td></tr>
"""


def test_fenced_blocks_take_only_the_fence_that_follows_at_once():
    first, second = extraction.fenced(TUTORIAL)
    assert (first.code, first.documented) == ("print(1)\n", "1")
    assert (second.code, second.documented) == ("x = 2\nif x:\n    print(x)\n", None)
    assert first.session != second.session


def test_interleaved_session_is_split_at_its_prints():
    first, second = extraction.interleaved(ARTICLE)
    assert (first.code, first.documented) == ("import torch\nx = 1\nprint(x)\n", "1")
    assert (second.code, second.documented) == ("y = x < 2\nprint(y)\n", "True")
    assert first.session == second.session


def test_flattened_lines_are_restored():
    (block,) = extraction.flattened(COURSE)
    assert block.code.split("\n") == [
        "import torch",
        "# A comment",
        "x = torch.ones(2)",
        "x.backward()",
        'print(f"x: {x}")',
        "",
    ]


def test_flattened_lines_must_be_as_many_as_the_page_numbers():
    with pytest.raises(ValueError, match="5 lines"):
        extraction.flattened(COURSE.replace("12345", "1234"))


def test_table_is_read_in_order():
    first, second = extraction.tabled(BOOK)
    assert first.documented == "first"
    assert (second.code, second.documented) == ("z = 1\nprint(z)\n", "1")


def test_folder_is_read_by_kind(tmp_path):
    for name, text in {"a.txt": TUTORIAL, "b.txt": ARTICLE, "c.txt": COURSE, "d.txt": BOOK}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "e.txt").write_text("no code here")
    keys = [block.key for block in extraction.read_blocks(tmp_path)]
    assert keys == [
        "tutorial-00",
        "tutorial-01",
        "article-00",
        "article-01",
        "course-00",
        "book-00",
        "book-01",
    ]


def test_same_text_is_exact_without_a_tolerance():
    assert printed_text.same_text("a 1.5\n", "a 1.5")
    assert not printed_text.same_text("a 1.5", "a 1.50")
    assert not printed_text.same_text("a 1.5", " a 1.5")


def test_same_text_within_a_tolerance_compares_each_number():
    assert printed_text.same_text("loss 1.00000, 2", "loss 1.00001, 2", relative=1e-4)
    assert not printed_text.same_text("loss 1.00000, 2", "loss 1.00001, 3", relative=1e-4)
    assert not printed_text.same_text("loss 1.0", "cost 1.0", relative=1e-4)


def test_elided_lines_stand_for_any_lines():
    assert printed_text.same_text("1\n...\n9\nend", "1\n2\n3\n9\nend")
    assert not printed_text.same_text("1\n...\n9\nend", "1\n2\n3\n8\nend")
    assert not printed_text.same_text("1\n...\n9\nend", "2\n2\n3\n9\nend")
    assert not printed_text.same_text("1\n...\n9\nend", "1\nend")
    long_text = "\n".join(map(str, range(100)))
    assert printed_text.elide(long_text, kept=2) == "0\n1\n...\n98\n99\n"
    assert printed_text.same_text(printed_text.elide(long_text), long_text)


def test_form_forgets_numbers_and_their_alignment_only():
    assert printed_text.same_form("tensor([-1.0, 2.0e-05])", "tensor([ 3.5,  2.0])")
    assert not printed_text.same_form("tensor([1.0])", "tensor([1.0, 2.0])")
    assert not printed_text.same_form("tensor([1.0])", "tensor([1.0], requires_grad=True)")
