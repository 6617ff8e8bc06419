"""Where runs live: a folder a study, readable while it is written."""

from isoflop.store.files import write_atomic
from isoflop.store.index import Curve
from isoflop.store.store import Store
from isoflop.store.writer import RunWriter

__all__ = ["Curve", "RunWriter", "Store", "write_atomic"]
