"""Settings of all tests."""

from hypothesis import HealthCheck, settings

# Time limits of single examples measure the machine, not the code. The same examples every time,
# so that a change fails or passes for what it changed; `--hypothesis-profile=explore` takes new
# ones, as `make test-all` does.
settings.register_profile(
    "isoflop", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", settings.get_profile("isoflop"), derandomize=False)
settings.load_profile("isoflop")
