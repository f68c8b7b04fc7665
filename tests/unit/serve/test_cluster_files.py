"""The files that start clusters are such as Ray takes, and what they have `sfc deploy` do is something it can do."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from serve.cli import app

ROOT = Path(__file__).parents[3]
CLUSTERS = ROOT / "examples" / "clusters"
LAUNCHED = [ROOT / "cluster.yaml", CLUSTERS / "aws.yaml"]
KUBERAY: list[dict[str, Any]] = list(yaml.safe_load_all((CLUSTERS / "kuberay.yaml").read_text()))
RAY = re.search(r"^ray==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content


def deployed(command: str) -> dict[str, Any]:
    """What the options of the `sfc deploy` in this command come to. Fails for one that does not exist."""
    words = shlex.split(command.replace("&&", "\n&&\n").partition("sfc deploy")[2].partition("\n")[0])
    context = typer.main.get_command(app).commands["deploy"].make_context("deploy", words)  # type: ignore[attr-defined]
    return dict(context.params)


@pytest.mark.parametrize("path", LAUNCHED, ids=lambda path: path.name)
def test_ray_accepts_the_file(path: Path) -> None:
    validate_config(prepare_config(read(path)))


@pytest.mark.parametrize("path", LAUNCHED, ids=lambda path: path.name)
def test_the_head_deploys_sfc_on_its_loopback(path: Path) -> None:
    (command,) = [line for line in read(path)["head_start_ray_commands"] if "sfc deploy" in line]
    assert deployed(command)["host"] == "127.0.0.1"


@pytest.mark.parametrize("path", LAUNCHED, ids=lambda path: path.name)
def test_no_node_starts_without_the_token(path: Path) -> None:
    content = read(path)
    commands = [*content["head_start_ray_commands"], *content["worker_start_ray_commands"]]
    joining = [line for line in commands if "ray start" in line or "sfc deploy" in line]
    assert len(joining) == 3
    assert all(line.startswith("RAY_AUTH_MODE=token ") for line in joining)
    assert "~/.ray/auth_token" in content["file_mounts"]


def test_clusters_of_aws_differ_only_where_machines_come_from() -> None:
    ours, aws = (read(path) for path in LAUNCHED)
    for part in ("file_mounts", "setup_commands", "worker_start_ray_commands"):
        assert ours[part] == aws[part]


def test_kubernetes_gets_a_volume_and_a_cluster_with_the_token_on_it() -> None:
    volume, cluster = KUBERAY
    head = cluster["spec"]["headGroupSpec"]["template"]["spec"]
    assert head["volumes"][0]["persistentVolumeClaim"]["claimName"] == volume["metadata"]["name"]
    assert cluster["spec"]["authOptions"] == {"mode": "token"}


def test_kubernetes_runs_the_ray_that_is_pinned() -> None:
    assert RAY is not None
    assert KUBERAY[1]["spec"]["rayVersion"] == RAY[1]
    assert f"FROM rayproject/ray:{RAY[1]}-py311\n" in (CLUSTERS / "Dockerfile").read_text()


def test_the_pod_of_the_head_deploys_sfc_on_its_volume() -> None:
    (container,) = KUBERAY[1]["spec"]["headGroupSpec"]["template"]["spec"]["containers"]
    (command,) = container["args"]
    settings = deployed(command)
    assert settings["host"] == "127.0.0.1"
    assert str(settings["data"]) == container["volumeMounts"][0]["mountPath"]
    assert settings["headroom_cpus"] > 0
