"""Figures, tables and text of a study: one self-contained HTML file, and a plain summary."""
