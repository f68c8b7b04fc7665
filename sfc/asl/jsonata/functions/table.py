"""How a module of functions lists them."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """`function` takes the scope, then the arguments as the signature completes them."""

    signature: str
    function: Callable[..., Any]
    undefined: bool = False
    """Whether it is called though its first argument is nothing; else it then gives nothing."""
