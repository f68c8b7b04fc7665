"""The shared corpus: recordings and definitions that are no part of the product."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(os.environ.get("SFC_SHARED") or Path(__file__).parents[3] / "shared")


def shared_cases(
    folder: str,
    *,
    only: str | None = None,
    leave_out: str | None = None,
    keep: Callable[[dict[str, Any]], bool] = lambda case: True,
) -> list[Any]:
    """The cases of a folder's JSON files; where the corpus is absent one parameter that skips and says so."""
    if not SHARED.is_dir():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no shared corpus at {SHARED}; set SFC_SHARED"))]
    names = sorted(path for path in (SHARED / folder).glob("*.json") if only in (None, path.name))
    cases = [case for path in names if path.name != leave_out for case in json.loads(path.read_text())]
    return [case for case in cases if keep(case)]
