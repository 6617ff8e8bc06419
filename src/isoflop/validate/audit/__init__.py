"""Whether a study can be believed: checks of its runs, its design and its fit."""

from isoflop.validate.audit.auditing import audit_table
from isoflop.validate.audit.record import Audit, Skipped

__all__ = ["Audit", "Skipped", "audit_table"]
