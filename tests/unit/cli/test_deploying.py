"""What is read from the files that are deployed."""

from pathlib import Path

import pytest
import typer

from sfc.cli.deploying import read_deployment
from sfc.task_package import sources

HEADER = '# /// script\n# requires-python = ">=3.11"\n# dependencies = [\n#   "httpx>=0.28",\n# ]\n# ///\n'
HANDLER = "from sfc import tasks\n\n@tasks.task(name='charge', version=3)\nasync def charge(order): ...\n"


def test_a_script_names_its_requirements_in_its_header(tmp_path: Path) -> None:
    file = tmp_path / "charge.py"
    file.write_text(HEADER + HANDLER)
    ((name, body),) = read_deployment(file, requirements=["rich"]).versions
    assert (name, body["requirements"]) == ("charge", ["httpx>=0.28", "rich"])
    assert (body["handler"], body["version"], len(body["package"])) == ("charge:charge", "3", 64)


def test_a_directory_names_them_in_a_file(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    (shop / "inner").mkdir(parents=True)
    (shop / "__init__.py").write_text("")
    (shop / "inner" / "charge.py").write_text(HANDLER)
    (shop / "requirements.txt").write_text("# needed\n\nhttpx>=0.28  # for calls\nrich\n")
    deployment = read_deployment(shop, version="4")
    assert deployment.package is not None
    assert sorted(sources(deployment.package)) == ["shop/__init__.py", "shop/inner/charge.py"]
    ((_, body),) = deployment.versions
    assert (body["requirements"], body["version"]) == (["httpx>=0.28", "rich"], "4")
    assert body["handler"] == "shop.inner.charge:charge"


def test_a_broken_header_is_told(tmp_path: Path) -> None:
    file = tmp_path / "charge.py"
    file.write_text(HEADER.replace("[", "") + HANDLER)
    with pytest.raises(typer.BadParameter, match="no TOML"):
        read_deployment(file)


def test_descriptors_lie_beside_their_meta(tmp_path: Path) -> None:
    (tmp_path / "pay.binpb").write_bytes(b"\x00\x01")
    (tmp_path / "pay.json").write_text('{"name": "charge", "type": "grpc", "descriptors_file": "pay.binpb"}')
    assert read_deployment(tmp_path / "pay.json").versions == (("charge", {"type": "grpc", "descriptors": "AAE="}),)
    (tmp_path / "pay.binpb").unlink()
    with pytest.raises(typer.BadParameter, match="cannot read"):
        read_deployment(tmp_path / "pay.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(typer.BadParameter, match="an object"):
        read_deployment(tmp_path / "list.json")
