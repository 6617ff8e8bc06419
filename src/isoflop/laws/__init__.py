"""Scaling laws: declarations, composition, published constants.

Importing this package loads no law and no numpy; laws are imported when `get` asks for them.
"""

from isoflop.laws.law import Input, Law, Parameter, law
from isoflop.laws.published import Published
from isoflop.laws.registry import get, names, register

__all__ = ["Input", "Law", "Parameter", "Published", "get", "law", "names", "register"]
