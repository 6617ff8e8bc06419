"""Figures, tables and text of a study: one self-contained HTML file, and a plain summary.

plotly and jinja2 (extra `report`) are imported when a figure or a page is made, not before.
"""

from isoflop.entry import verb
from isoflop.report.page import render, write_report
from isoflop.report.summary import summary_text

__all__ = ["render", "summary_text", "write_report"]

verb(__name__, "isoflop.report.page:write_report")
