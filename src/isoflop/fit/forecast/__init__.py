"""Forecasts of one curve: laws in one variable, what they miss, and noise, averaged by evidence."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from isoflop.entry import verb

if TYPE_CHECKING:
    from isoflop.fit.forecast.forecasting import forecast
    from isoflop.fit.forecast.groups import forecast_table
    from isoflop.fit.forecast.result import CurveForecast, Forecast

__all__ = ["CurveForecast", "Forecast", "forecast", "forecast_table"]

_HOME = {
    "CurveForecast": "result",
    "Forecast": "result",
    "forecast": "forecasting",
    "forecast_table": "groups",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


verb(__name__, "isoflop.fit.forecast.forecasting:forecast")
