"""`sfc validate`: everything that is wrong in definitions."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sfc.cli.inputs import read_text
from sfc.cli.output import JsonOption, print_json, print_table, say


def validate(
    files: Annotated[list[Path], typer.Argument(help="Amazon States Language, JSON.")],
    express: Annotated[bool, typer.Option("--express", help="Check them as EXPRESS ones.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check definitions; fails when one has errors, not for warnings."""
    from sfc.asl.check import check

    kind = "EXPRESS" if express else "STANDARD"
    findings = [(file, diagnostic) for file in files for diagnostic in check(read_text(file), kind)]
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
