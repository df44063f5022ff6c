"""Sphinx's settings: ``nox -s docs`` builds the site, warnings are errors."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from docs.generators import generate  # noqa: E402
from jtorch._version import TORCH_VERSION, __version__  # noqa: E402

project = "jtorch"
author = "the jtorch authors"
copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx_copybutton"]
myst_enable_extensions = ["colon_fence", "deflist", "substitution"]
myst_heading_anchors = 3
myst_substitutions = {"torch_version": TORCH_VERSION.partition("+")[0]}
exclude_patterns = ["generators", "generated"]
nitpicky = True
# Types in the reference's signatures are words, not links.
nitpick_ignore_regex = [("py:.*", ".*")]

html_theme = "furo"
html_title = "jtorch"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"
# What a reader copies is the commands alone.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

generate(HERE)
