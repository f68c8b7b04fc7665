"""What commands print: JSON for programs, tables for people."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import orjson
import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Failed(Exception):
    """The command could not do its work; the text is one readable line."""


def print_json(value: Any) -> None:
    """The value on stdout, indented; on a pipe as well, so that it can be read in a log."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on stdout, as wide as the terminal; whole values, unfolded, when it is not one."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold" if column == columns[0] else "ellipsis", no_wrap=column != columns[0])
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    console.print(table)


def print_facts(facts: Mapping[str, object]) -> None:
    """Names and values, one a line."""
    width = max(map(len, facts))
    for name, value in facts.items():
        if value is not None:
            text = value if isinstance(value, str) else orjson.dumps(value).decode()
            sys.stdout.write(f"{name:{width}}  {text}\n")


def say(text: str) -> None:
    """A line for the person, on stderr: stdout is for results."""
    sys.stderr.write(text + "\n")
