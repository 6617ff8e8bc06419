"""Sphinx configuration."""

project = "isoflop"
author = "the isoflop developers"
copyright = "2026, the isoflop developers"  # noqa: A001
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "isoflop"
autodoc_typehints = "description"
