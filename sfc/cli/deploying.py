"""What `sfc task deploy PATH` and `sfc run --task PATH` mean: a package with the tasks in it, or a task meta.

The code is read, not run: a task is a function at the top of a module under a decorator `@task("name")`.
"""

import ast
import base64
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from sfc import jsonvalue, task_package
from sfc.cli.inputs import read_text
from sfc.task_meta import TaskMeta, digest_of

if TYPE_CHECKING:
    from sfc.catalog.catalog import Catalog

_SCRIPT: Final = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


@dataclass(frozen=True, slots=True)
class Deployment:
    package: bytes | None
    versions: tuple[tuple[str, dict[str, Any]], ...]
    """Names of tasks, and what the REST API takes as a new version of each."""


@dataclass(frozen=True, slots=True)
class _Found:
    name: str
    handler: str
    """`module:function`."""
    version: str | None


def read_deployment(
    path: Path,
    *,
    name: str | None = None,
    version: str | None = None,
    handler: str | None = None,
    requirements: list[str] | None = None,
    meta: Path | None = None,
) -> Deployment:
    """Raises typer.BadParameter, InvalidPackage."""
    further = {} if meta is None else _object(meta)
    if path.suffix == ".json":
        return _of_meta(path, name, version, further)
    package = task_package.pack(path)
    found = _handlers(task_package.sources(package))
    if handler is not None:
        found = [each for each in found if each.handler == handler] or [_Found(name or "", handler, None)]
        if not found[0].name:
            raise typer.BadParameter(f"{handler} is under no @task: say how it is called", param_hint="--name")
    found = _chosen(path, found, name)
    needed = [*_requirements(path), *(requirements or ())]
    body: dict[str, Any] = {"type": "python", "package": digest_of(package), **further}
    if needed:
        body["requirements"] = needed
    return Deployment(
        package,
        tuple((each.name, {**body, "handler": each.handler, "version": version or each.version}) for each in found),
    )


def deploy_into(catalog: "Catalog", deployment: Deployment) -> None:
    """Into a catalog of this process. Raises SfcError."""
    if deployment.package is not None:
        catalog.tasks.put_package(deployment.package)
    for name, body in deployment.versions:
        catalog.tasks.put(TaskMeta.of(name, body))


def _of_meta(path: Path, name: str | None, version: str | None, further: dict[str, Any]) -> Deployment:
    body = {**_object(path), **further}
    named = name or body.pop("name", None) or path.name.split(".", 1)[0]
    body.pop("name", None)
    if version is not None:
        body["version"] = version
    descriptors = body.pop("descriptors_file", None)
    if descriptors is not None:
        try:
            body["descriptors"] = base64.b64encode((path.parent / str(descriptors)).read_bytes()).decode()
        except OSError as error:
            raise typer.BadParameter(f"descriptors_file: cannot read {descriptors}: {error.strerror}") from None
    return Deployment(None, ((str(named), body),))


def _object(path: Path) -> dict[str, Any]:
    try:
        value = jsonvalue.loads(read_text(path))
    except jsonvalue.NotJson as error:
        raise typer.BadParameter(f"{path} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise typer.BadParameter(f"{path} must hold an object")
    return value


def _chosen(path: Path, found: list[_Found], name: str | None) -> list[_Found]:
    names = sorted(each.name for each in found)
    twice = next((each for at, each in enumerate(names) if each in names[:at]), None)
    if name is None:
        if not found:
            raise typer.BadParameter(f'no function in {path} is under @task("name"): name one with --handler')
        if twice is not None:
            raise typer.BadParameter(f"two functions in {path} are the task {twice!r}: choose one with --handler")
        return found
    same = [each for each in found if each.name == name]
    if same:
        return same[:1]
    if len(found) == 1:
        return [_Found(name, found[0].handler, found[0].version)]
    raise typer.BadParameter(
        f"which handler of {path} is {name!r}? It has: {', '.join(names) or 'none'}", param_hint="--name"
    )


def _handlers(sources: dict[str, str]) -> list[_Found]:
    found: list[_Found] = []
    for file, text in sources.items():
        modules = task_package.modules([file])
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError) as error:
            raise typer.BadParameter(f"{file} is no Python: {error}") from None
        for node in tree.body:
            if modules and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found += [_Found(name, f"{modules[0]}:{node.name}", version) for name, version in _tasks(node)]
    return found


def _tasks(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, str | None]]:
    """Name and version of each `@task("name", version=…)` above the function."""
    for decorator in function.decorator_list:
        if not isinstance(decorator, ast.Call):
            continue
        called = decorator.func
        if (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) != "task":
            continue
        given = {each.arg: each.value for each in decorator.keywords}
        name = decorator.args[0] if decorator.args else given.get("name")
        version = given.get("version")
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            yield name.value, str(version.value) if isinstance(version, ast.Constant) and version.value else None


def _requirements(path: Path) -> list[str]:
    """Those of a `requirements.txt` in the directory, or of a script's header. Source: PEP 723."""
    if path.is_dir():
        file = path / "requirements.txt"
        lines = [line.split(" #", 1)[0].strip() for line in read_text(file).splitlines()] if file.exists() else []
        return [line for line in lines if line and not line.startswith("#")]
    header = _SCRIPT.search(read_text(path))
    if header is None:
        return []
    text = "".join(
        line[2:] if line.startswith("# ") else line[1:] for line in header["content"].splitlines(keepends=True)
    )
    try:
        needed = tomllib.loads(text).get("dependencies", [])
    except tomllib.TOMLDecodeError as error:
        raise typer.BadParameter(f"the header of {path} is no TOML: {error}") from None
    return [str(each) for each in needed]
