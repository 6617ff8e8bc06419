"""Layers that are also verbs: `isoflop.fit` is a package, and `isoflop.fit(...)` fits.

Importing a submodule sets it as an attribute of its package, so a function of the same name
would be hidden by it; a package that can be called is both.
"""

from __future__ import annotations

import sys
from importlib import import_module
from inspect import Signature, signature
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Verb(ModuleType):
    """A package that can be called; `__verb__` names its function as `module:function`.

    Its signature and docstring are the function's, so that `help` and notebooks show them.
    """

    __verb__: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the package's function."""
        return _function(self)(*args, **kwargs)

    @property
    def __doc__(self) -> str | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The function's docstring, looked up when it is asked for."""
        return _function(self).__doc__

    @property
    def __signature__(self) -> Signature:
        """The function's signature."""
        return signature(_function(self))


def _function(package: Verb) -> Callable[..., Any]:
    module, _, name = package.__verb__.partition(":")
    return getattr(import_module(module), name)


def verb(package: str, function: str) -> None:
    """Make an imported package callable.

    Args:
        package: its `__name__`; function: "module:function" that a call goes to.
    """
    module = sys.modules[package]
    module.__class__ = Verb
    module.__verb__ = function  # pyright: ignore[reportAttributeAccessIssue]
