"""Settings of all tests."""

import os

from hypothesis import HealthCheck, settings

# Time limits of single examples measure the machine, not the code; CI repeats its examples.
settings.register_profile(
    "isoflop",
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("isoflop")
