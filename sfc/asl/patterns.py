"""Patterns of StringMatches: `*` stands for any run of characters, `\\*` and `\\\\` for themselves."""

from collections.abc import Callable

from sfc.jsonvalue import Json


def compile_pattern(pattern: str) -> Callable[[Json], bool]:
    """A test for values; what is no string does not match. Linear: each literal part is looked for once, from left to
    right, which is enough since `*` is the only wildcard.
    """
    first, *rest = _parts(pattern)
    if not rest:
        return lambda value: isinstance(value, str) and value == first
    *middle, last = rest

    def matches(value: Json) -> bool:
        if not isinstance(value, str) or not value.startswith(first):
            return False
        at, end = len(first), len(value) - len(last)
        for part in middle:
            found = value.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return at <= end and value.endswith(last)

    return matches


def _parts(pattern: str) -> list[str]:
    """The literal text between the wildcards."""
    parts, characters = [""], iter(pattern)
    for character in characters:
        if character == "*":
            parts.append("")
        else:
            parts[-1] += next(characters, "\\") if character == "\\" else character
    return parts
