"""The text of a path, taken apart once."""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from sfc.limits import JSON_DEPTH, PATH_CHARS


class PathSyntaxError(ValueError):
    """The text is no path. `text` is all of it."""

    def __init__(self, message: str, text: str) -> None:
        super().__init__(message)
        self.text = text


@dataclass(frozen=True, slots=True)
class Member:
    name: str

    def __str__(self) -> str:
        return f"['{self.name}']"


@dataclass(frozen=True, slots=True)
class Element:
    index: int

    def __str__(self) -> str:
        return f"[{self.index}]"


@dataclass(frozen=True, slots=True)
class Members:
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Elements:
    indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Range:
    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class Every:
    """`*`"""


@dataclass(frozen=True, slots=True)
class Descent:
    """`..`: what follows is looked for at every depth."""


@dataclass(frozen=True, slots=True)
class Where:
    """`[?(...)]`; `test` is one of sfc.asl.paths.filters."""

    test: "Test"


@dataclass(frozen=True, slots=True)
class Length:
    """`length()`, always last"""


Step: TypeAlias = Member | Element | Members | Elements | Range | Every | Descent | Where | Length


@dataclass(frozen=True, slots=True)
class Literal:
    """`value`: str, int, float, bool, None, or a list of such."""

    value: object


@dataclass(frozen=True, slots=True)
class Operand:
    """A path inside a filter; `root` is @ or $."""

    root: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    operand: Operand


@dataclass(frozen=True, slots=True)
class Compare:
    left: "Operand | Literal"
    operator: str
    right: "Operand | Literal"


@dataclass(frozen=True, slots=True)
class Matches:
    left: "Operand | Literal"
    pattern: str
    ignore_case: bool


@dataclass(frozen=True, slots=True)
class Not:
    part: "Test"


@dataclass(frozen=True, slots=True)
class All:
    parts: "tuple[Test, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: "tuple[Test, ...]"


Test: TypeAlias = Exists | Compare | Matches | Not | All | AnyOf


@dataclass(frozen=True, slots=True)
class ParsedPath:
    """`root` is `$`, `$$` or a variable as `$name`."""

    text: str
    root: str
    steps: tuple[Step, ...]

    @property
    def is_plain(self) -> bool:
        return all(isinstance(step, (Member, Element)) for step in self.steps)


ROOT: Final = re.compile(r"\$\$|\$[^\W\d]\w*|\$")
NAME: Final = re.compile(r"(?:\\.|[^\s\x00-\x1f.\[\]()*'\"@?,\\])+")
"""A name in dot notation; a backslash takes the next character as it is."""
NAME_IN_FILTER: Final = re.compile(r"(?:\\.|[^\s\x00-\x1f.\[\]()*'\"@?,\\=<>!&|~])+")
INDEX: Final = re.compile(r"-?[0-9]{1,9}")
QUOTED: Final = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
SPACE: Final = re.compile(r"\s*")
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_SURROGATES: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def parse_path(text: str) -> ParsedPath:
    """Raises PathSyntaxError with the place of the mistake."""
    if len(text) > PATH_CHARS:
        raise PathSyntaxError(f"the path is longer than {PATH_CHARS} characters", text[:80])
    reader = Reader(text)
    root = reader.take(ROOT)
    if root is None:
        raise PathSyntaxError(f"'{text}' is no path: it must begin with '$'", text)
    steps = read_steps(reader)
    reader.space()  # AWS takes a path with blanks behind it
    if reader.at < len(text):
        raise reader.error("unexpected text")
    return ParsedPath(text, root, steps)


def unquote(text: str) -> str:
    """The string inside its quotes. A backslash before the other kind of quote stays, as recorded from the service."""
    other = '"' if text[0] == "'" else "'"
    return unescape(text[1:-1], keep=other)


def unescape(body: str, keep: str = "") -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1]
        if code == keep:
            return match[0]
        return chr(int(code[1:], 16)) if len(code) == 5 else code

    plain = _ESCAPE.sub(one, body)
    return _SURROGATES.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), plain)


class Reader:
    """A place in a text, moved on by what matches there."""

    __slots__ = ("at", "depth", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        """Of filters and their brackets; in there the signs of comparisons end a name."""

    def take(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match[0]

    def skip(self, literal: str) -> bool:
        """Moves behind `literal` if it stands here."""
        found = self.text.startswith(literal, self.at)
        if found:
            self.at += len(literal)
        return found

    def need(self, literal: str) -> None:
        self.space()
        if not self.skip(literal):
            raise self.error(f"expected '{literal}'")

    def space(self) -> None:
        self.take(SPACE)

    def error(self, message: str) -> PathSyntaxError:
        return PathSyntaxError(f"'{self.text}' is no path: {message} at position {self.at}", self.text)


def read_steps(reader: Reader) -> tuple[Step, ...]:
    """Every step from here on; stops at what cannot be one."""
    steps: list[Step] = []
    while True:
        if reader.skip(".."):
            steps.append(Descent())
            steps.append(_bracket(reader) if reader.skip("[") else _dotted(reader))
        elif reader.skip("."):
            steps.append(_bracket(reader) if reader.skip("[") else _dotted(reader))
        elif reader.skip("["):
            steps.append(_bracket(reader))
        else:
            return tuple(steps)
        if len(steps) > JSON_DEPTH:
            raise reader.error(f"more than {JSON_DEPTH} steps")
        if isinstance(steps[-1], Length):
            return tuple(steps)


def _dotted(reader: Reader) -> Step:
    if reader.skip("*"):
        return Every()
    name = reader.take(NAME_IN_FILTER if reader.depth else NAME)
    if name is None:
        raise reader.error("expected a name")
    if reader.skip("("):
        if name != "length" or not reader.skip(")"):
            raise reader.error("the only function of a path is length()")
        return Length()
    return Member(unescape(name))


def _bracket(reader: Reader) -> Step:
    reader.space()
    if reader.skip("?"):
        from sfc.asl.paths.filters import read_filter

        return Where(read_filter(reader))
    if reader.skip("*"):
        reader.need("]")
        return Every()
    quoted = reader.take(QUOTED)
    if quoted is not None:
        names = [unquote(quoted)]
        while _comma(reader):
            quoted = reader.take(QUOTED)
            if quoted is None:
                raise reader.error("expected a quoted name")
            names.append(unquote(quoted))
        reader.need("]")
        return Member(names[0]) if len(names) == 1 else Members(tuple(names))
    return _numbers(reader)


def _numbers(reader: Reader) -> Step:
    first = reader.take(INDEX)
    reader.space()
    if reader.skip(":"):
        reader.space()
        end = reader.take(INDEX)
        reader.need("]")
        return Range(None if first is None else int(first), None if end is None else int(end))
    if first is None:
        raise reader.error("expected an index, a quoted name, a range, '*' or a filter")
    indexes = [int(first)]
    while _comma(reader):
        index = reader.take(INDEX)
        if index is None:
            raise reader.error("expected an index")
        indexes.append(int(index))
    reader.need("]")
    return Element(indexes[0]) if len(indexes) == 1 else Elements(tuple(indexes))


def _comma(reader: Reader) -> bool:
    reader.space()
    found = reader.skip(",")
    reader.space()
    return found
