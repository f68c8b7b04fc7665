"""cluster.yaml at the top of the repository is one that Ray takes, and its settings are settings."""

import json
import re
from pathlib import Path
from typing import Any

import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from serve.settings import Settings

CONFIG: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "cluster.yaml").read_text())


def test_ray_accepts_it() -> None:
    validate_config(prepare_config(CONFIG))


def test_its_settings_are_ours() -> None:
    (deploy,) = [command for command in CONFIG["head_start_ray_commands"] if "serve.deploy" in command]
    given = re.search(r"deploy \"(.*)\"$", deploy)
    assert given is not None
    settings = Settings.from_json(json.loads(given[1].replace('\\"', '"')))
    assert settings.host == "127.0.0.1"
