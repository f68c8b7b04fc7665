"""`sfc validate`: everything that is wrong in definitions."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sfc.cli.inputs import read_text
from sfc.cli.output import JsonOption, print_json, print_table, say

if TYPE_CHECKING:
    from sfc.asl.diagnostics import Diagnostic


def validate(
    files: Annotated[list[Path], typer.Argument(help="Amazon States Language, JSON.")],
    express: Annotated[bool, typer.Option("--express", help="Check them as EXPRESS ones.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check definitions; fails when one has errors, not for warnings."""
    findings = [(file, diagnostic) for file in files for diagnostic in _check(file, express)]
    failed = any(diagnostic.severity == "ERROR" for _, diagnostic in findings)
    if as_json:
        print_json([{"file": str(file), **asdict(diagnostic)} for file, diagnostic in findings])
    elif findings:
        rows = [(str(file), d.severity, d.location or "/", d.message, d.code) for file, d in findings]
        print_table(("FILE", "SEVERITY", "PLACE", "MESSAGE", "CODE"), rows)
    if failed:
        raise typer.Exit(1)
    if not as_json:
        say(f"{len(files)} definition{'' if len(files) == 1 else 's'} valid")


def _check(file: Path, express: bool) -> "Sequence[Diagnostic]":
    from sfc.asl.parse import parse

    parsed = parse(read_text(file), kind="EXPRESS" if express else "STANDARD")
    return (*parsed.diagnostics, *parsed.unsupported)
