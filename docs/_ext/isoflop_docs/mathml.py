"""Formulas as MathML, which browsers draw themselves: no script and no download."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


def mathml(latex: str, block: bool) -> str:
    """Return LaTeX as one MathML element.

    Sizes of brackets are left to the browser, which stretches them.
    """
    plain = re.sub(r"\\[bB]igg?(?![a-zA-Z])", "", latex)
    # Letters of a name in a subscript are one word, not a product.
    worded = re.sub(r"_\{([a-zA-Z]{2,})\}", r"_{\\text{\1}}", plain)
    return tex2mathml(worded.strip(), as_block=block)


def visit_inline(translator: Any, node: nodes.math) -> None:
    """Write an inline formula."""
    translator.body.append(mathml(node.astext(), block=False))
    raise nodes.SkipNode


def visit_block(translator: Any, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    translator.body.append(f'<div class="formula">{mathml(node.astext(), block=True)}</div>')
    raise nodes.SkipNode


def nothing(_translator: Any, _node: nodes.Node) -> None:
    """Do nothing: the visit skipped the departure."""
