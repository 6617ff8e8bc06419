"""isoflop: a measurement instrument for neural scaling laws.

    import isoflop as iso
    table = iso.load("runs.csv")
    fit = iso.fit(table, "chinchilla", bootstrap=1000)

Names are imported when they are first used, so that `import isoflop` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from isoflop.design.next import next_runs
    from isoflop.design.sweep import isoflop as design
    from isoflop.fit import fit
    from isoflop.fit.forecast.forecasting import forecast
    from isoflop.fit.forecast.groups import forecast_table
    from isoflop.plan.energy import footprint
    from isoflop.plan.hardware import device
    from isoflop.plan.moe import plan_mixture as moe
    from isoflop.plan.sampling.inference import inference
    from isoflop.plan.serving import serve
    from isoflop.plan.training import train_on
    from isoflop.protocols.audit import audit
    from isoflop.protocols.compare import compare
    from isoflop.protocols.question import plan, validate
    from isoflop.protocols.replay import replay
    from isoflop.protocols.study import run_study as study
    from isoflop.report import write_report as report
    from isoflop.runs.counting import count
    from isoflop.runs.io import load
    from isoflop.validate.prediction import predict
    from isoflop.validate.select import select

#: Public name -> module and attribute; a verb that is also a layer is its (callable) package.
_PUBLIC = {
    "audit": ("isoflop.protocols.audit", "audit"),
    "compare": ("isoflop.protocols.compare", "compare"),
    "count": ("isoflop.runs.counting", "count"),
    "design": ("isoflop.design", ""),
    "device": ("isoflop.plan.hardware", "device"),
    "fit": ("isoflop.fit", ""),
    "footprint": ("isoflop.plan.energy", "footprint"),
    "forecast": ("isoflop.fit.forecast", ""),
    "forecast_table": ("isoflop.fit.forecast", "forecast_table"),
    "inference": ("isoflop.plan.sampling.inference", "inference"),
    "load": ("isoflop.runs.io", "load"),
    "moe": ("isoflop.plan.moe", "plan_mixture"),
    "next_runs": ("isoflop.design.next", "next_runs"),
    "plan": ("isoflop.plan", ""),
    "predict": ("isoflop.validate.prediction", "predict"),
    "replay": ("isoflop.protocols.replay", "replay"),
    "report": ("isoflop.report", ""),
    "select": ("isoflop.validate.select", "select"),
    "serve": ("isoflop.plan.serving", "serve"),
    "study": ("isoflop.protocols.study", "run_study"),
    "train_on": ("isoflop.plan.training", "train_on"),
    "validate": ("isoflop.validate", ""),
}

__all__ = [
    "__version__",
    "audit",
    "compare",
    "count",
    "design",
    "device",
    "fit",
    "footprint",
    "forecast",
    "forecast_table",
    "inference",
    "load",
    "moe",
    "next_runs",
    "plan",
    "predict",
    "replay",
    "report",
    "select",
    "serve",
    "study",
    "train_on",
    "validate",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'isoflop' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _PUBLIC[name]
    found = import_module(module)
    return getattr(found, attribute) if attribute else found
