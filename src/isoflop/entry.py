"""Layers that are also verbs: `isoflop.fit` is a package, and `isoflop.fit(...)` fits.

Importing a submodule sets it as an attribute of its package, so a function of the same name
would be hidden by it; a package that can be called is both.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class Verb(ModuleType):
    """A package that can be called; `__verb__` names its function as `module:function`."""

    __verb__: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the package's function."""
        module, _, name = self.__verb__.partition(":")
        return getattr(import_module(module), name)(*args, **kwargs)


def verb(package: str, function: str) -> None:
    """Make an imported package callable.

    Args:
        package: its `__name__`; function: "module:function" that a call goes to.
    """
    module = sys.modules[package]
    module.__class__ = Verb
    module.__verb__ = function  # pyright: ignore[reportAttributeAccessIssue]
