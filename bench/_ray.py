"""A Ray of one's own, on loopback, that goes with the measurement."""

import contextlib
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def local_ray(cpus: int = 2) -> Iterator[None]:
    import ray

    with tempfile.TemporaryDirectory(prefix="sfc", dir="/tmp", ignore_cleanup_errors=True) as folder:
        ray.init(
            num_cpus=cpus,
            include_dashboard=False,
            log_to_driver=False,
            _temp_dir=folder,
            _node_ip_address="127.0.0.1",
            object_store_memory=100_000_000,
        )
        try:
            yield
        finally:
            ray.shutdown()
