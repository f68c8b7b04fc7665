"""What tests leave to chance: the same in every run, unless somebody asks for more.

`make chaos SEED=7 MINUTES=10` sets these; a failure prints its seed.
"""

import os
import random
import time
from collections.abc import Iterator
from typing import Final

SEED: Final = int(os.environ.get("SFC_TEST_SEED", "20261125"))
MINUTES: Final = float(os.environ.get("SFC_TEST_MINUTES", "1"))
"""How long a test of the marker `chaos` goes on breaking things."""
LONG_S: Final = MINUTES * 60 + 600
"""Time-out of such a test: what it broke must come back too."""


def turns(chance: random.Random, least_s: float, most_s: float, minutes: float = MINUTES) -> Iterator[float]:
    """Pauses in s between two attacks, until the time is over."""
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        yield chance.uniform(least_s, most_s)
