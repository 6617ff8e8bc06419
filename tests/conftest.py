"""Settings of all tests."""

import os

import pytest
from hypothesis import HealthCheck, settings

# Time limits of single examples measure the machine, not the code. The same examples every time,
# so that a change fails or passes for what it changed; `--hypothesis-profile=explore` takes new
# ones, as `make test-all` does.
settings.register_profile(
    "isoflop", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", settings.get_profile("isoflop"), derandomize=False)
settings.load_profile("isoflop")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Encoded corpora of this session, shared by its processes; nothing of the user's own."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISOFLOP_CACHE", str(base / "isoflop-cache"))
        yield base / "isoflop-cache"
