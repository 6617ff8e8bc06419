"""Upstream files as columns, one function a table.

A converter takes the table's upstream files by name and returns columns [run] by name; it
computes nothing but what its docstring says.
"""
