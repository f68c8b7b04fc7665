"""What joins Ray for `sfc up`: `python -m serve.deploy deploy|undeploy SETTINGS`, ends when it is done.

What it makes is detached, so it lives on in the head without a driver.
"""

import json
import os
import sys

import ray
from ray import serve as ray_serve
from ray.serve.config import HTTPOptions, ProxyLocation

from serve.deployment import application
from serve.settings import Settings

_APPLICATION = "sfc"


def deploy(settings: Settings) -> None:
    """Returns when the engine takes requests. Raises when it does not come up."""
    ray_serve.start(http_options=HTTPOptions(location=ProxyLocation.Disabled))
    ray_serve.run(application(settings), name=_APPLICATION, route_prefix=None)


def undeploy() -> None:
    """Returns when requests under way are answered and the engine is closed."""
    ray_serve.delete(_APPLICATION)


def main(verb: str, settings: str) -> None:
    """The one entry; the head's address comes by SFC_RAY_ADDRESS, its token by Ray's own variables."""
    ray.init(address=os.environ["SFC_RAY_ADDRESS"], namespace="sfc", log_to_driver=False)
    if verb == "deploy":
        deploy(Settings.from_json(json.loads(settings)))
    else:
        undeploy()


if __name__ == "__main__":
    main(*sys.argv[1:])
