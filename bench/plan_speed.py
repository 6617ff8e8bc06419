"""Speed of a whole plan with 4,000 samples: CPU seconds in process, medians of five.

python bench/plan_speed.py

A whole plan is the choice with its intervals, the flat range, the regret of three sizes over the
samples, the frontier of nine budgets, the curve and the cost. Samples are drawn around published
constants, with the spread of Epoch's bootstrap (2 % of exponents, 10 % of scales).
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from isoflop.plan.budget import read
from isoflop.plan.decide import decide
from isoflop.plan.given import Given
from isoflop.plan.lifetime import Serving
from isoflop.plan.limits import Limits
from isoflop.plan.question import Question
from isoflop.plan.source import surface

if TYPE_CHECKING:
    from isoflop.plan.surface import Surface

SAMPLES = 4000
GOAL = 0.5


def drawn(law: str, **options) -> Surface:
    """Return a law with samples around its published constants."""
    found = surface(law, **options)
    rng = np.random.default_rng(0)
    kinds = {p.name: 0.1 if p.kind.scale == "log" else 0.02 for p in found.law.parameters}
    point = np.array([found.constants[name] for name in kinds])
    spread = np.array(list(kinds.values()))
    samples = point * np.exp(spread * rng.standard_normal((SAMPLES, len(point))))
    return replace(found, samples=samples)


def seconds(found: Surface, question: Question, repeats: int = 5) -> float:
    """Return the median CPU seconds of a plan."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        decide(found, question)
        times.append(time.process_time() - start)
    return median(times)


FORMULA = "E + A/N^alpha + B/D^beta"


def main() -> None:
    """Print one line a question."""
    tex = ",".join(f"{k}={v}" for k, v in surface("chinchilla").constants.items())
    served = Serving(output=2e12)
    asked = {
        "budget, Chinchilla's closed form": ("chinchilla", {}, "1e23", None, None),
        "budget and 2T served": ("chinchilla", {}, "1e23", None, served),
        "loss 2.1 and 2T served": ("chinchilla", {}, None, 2.1, served),
        "budget, 25B unique tokens": ("chinchilla", {"unique_tokens": 25e9}, "1e22", None, None),
        "budget, 8 experts": ("joint_moe", {"inputs": {"E": 8.0}}, "1e22", None, None),
        "budget, formula (search)": (FORMULA, {"constants": tex}, "1e23", None, None),
        "loss 2.1 and 2T served, formula": (FORMULA, {"constants": tex}, None, 2.1, served),
        "2T served, 25B unique tokens": (
            "chinchilla", {"unique_tokens": 25e9}, "1e22", None, served,
        ),
        "2T served at 4 bits": ("chinchilla", {"serve_bits": 4.0}, "1e23", None, served),
        "2T served at 4 bits, 1T unique tokens": (
            "chinchilla", {"serve_bits": 4.0, "unique_tokens": 1e12}, "1e23", None, served,
        ),
        "loss 2.1, 4 bits, training capped": (
            "chinchilla", {"serve_bits": 4.0}, None, 2.1, served, 3e23,
        ),
    }  # fmt: skip
    alone = {
        "1T tokens alone": ("chinchilla", {}, 1e12),
        "25B unique tokens alone": ("chinchilla", {"unique_tokens": 25e9}, 25e9),
        "1T tokens alone, formula (search)": (FORMULA, {"constants": tex}, 1e12),
    }
    print(f"{SAMPLES} samples, CPU seconds a plan (goal {GOAL})")
    for name, (law, options, budget, loss, serving, *most) in asked.items():
        question = Question(
            budget=None if budget is None else read(budget)[0],
            loss=loss,
            serving=serving or Serving(),
            limits=Limits(max_C=most[0]) if most else Limits(),
        )
        print(f"{name:36} {seconds(drawn(law, **options), question):.3f}")
    for name, (law, options, tokens) in alone.items():
        question = Question(given=Given("D", tokens, name))
        print(f"{name:36} {seconds(drawn(law, **options), question):.3f}")


if __name__ == "__main__":
    main()
