"""The check of the links within the built documentation, on a small site of our own."""

from __future__ import annotations

from docs.generators.links import broken_links


def test_links_to_missing_files_and_anchors_are_found(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "index.html").write_text(
        '<h1 id="top">x</h1><a href="sub/b.html#here">1</a><a href="#top">2</a><a href="sub/">3</a>'
        '<a href="https://example.org/gone">4</a><img src="sub/picture%20one.svg">'
        '<a href="c.html">5</a><a href="sub/b.html#there">6</a><a href="#bottom">7</a>'
    )
    (tmp_path / "sub" / "b.html").write_text('<p id="here"><a href="../index.html#top">8</a>')
    (tmp_path / "sub" / "index.html").write_text("")
    (tmp_path / "sub" / "picture one.svg").write_text("")
    assert broken_links(tmp_path) == [
        "index.html: no file for c.html",
        "index.html: no anchor for sub/b.html#there",
        "index.html: no anchor for #bottom",
    ]
