"""The synthetic studies that the report's tests share with the browser test."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
