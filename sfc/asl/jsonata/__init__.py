"""JSONata: the query language of fields that hold `{% … %}`.

`fields` reads them from a definition; `template` and `flow` are what they become; `program` is one expression, which
`compiler` makes of its syntax tree.
"""

import sys
from typing import Final

import jsonata as _jsonata  # noqa: F401  # its import raises Python's own limit of recursion to 10,000 frames …

_FRAMES: Final = 6_000
sys.setrecursionlimit(_FRAMES)  # … of which JSONATA_DEPTH needs half, and other code of the process should get no more
