"""Sphinx configuration."""

import sys
from pathlib import Path

from isoflop.report.palette import COLOURS, SCALE

sys.path.insert(0, str(Path(__file__).with_name("_ext")))

project = "isoflop"
author = "the isoflop developers"
copyright = "2026, the isoflop developers"  # noqa: A001
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "isoflop_docs",  # writes laws/ and reference/
]
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "fieldlist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_ext"]
autodoc_typehints = "signature"
python_maximum_signature_line_length = 88
autodoc_member_order = "bysource"
# Two layers may use one name (a fit's Settings, a study's Settings): such a type is no link.
suppress_warnings = ["ref.python"]
html_math_renderer = "mathml"
html_theme = "furo"
html_title = "isoflop"
html_static_path = ["_static"]

# The lines of a law's figure, in the colours of the reports; light and dark.
_lines = [*SCALE, COLOURS["good"]]
html_theme_options = {
    f"{theme}_css_variables": {
        "law-grid": COLOURS["grid"][dark],
        **{f"law-{k}": pair[dark] for k, pair in enumerate(_lines)},
    }
    for dark, theme in enumerate(("light", "dark"))
}
