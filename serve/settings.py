"""What `sfc up` was asked for, in a form that crosses processes."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sfc.kafka.settings import KafkaSettings
from sfc.tasks.aws.settings import AwsSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One installation. Paths are absolute: the processes that read them have other working directories."""

    data: str
    """Directory of the embedded store, the state file and the logs."""
    host: str = "127.0.0.1"
    port: int = 8000
    store: str | None = None
    """`sqlite:///PATH`; None: a file in `data`."""
    lambda_endpoint: str | None = None
    aws_endpoints: tuple[str, ...] = ()
    """`URL` or `SERVICE=URL`: where AWS services are."""
    aws_region: str | None = None
    handlers: tuple[str, ...] = ()
    """Modules, or files of Python, whose tasks are registered in every worker."""
    map_files: tuple[str, ...] = ()
    """Directories that Distributed Maps may read and write."""
    workers: int = 2
    headroom_cpus: float = 0.0
    """How many more CPUs than the cluster has workers may ask for, so that Ray's autoscaler adds nodes."""
    mocks: str | None = None
    """A mock configuration file: executions may be started as its test cases."""
    kafka: KafkaSettings | None = None
    """None: there is no Kafka."""
    blueprints: str | None = None
    """Directory of `*.asl.json` files that are created or updated at the start."""

    @property
    def directory(self) -> Path:
        return Path(self.data)

    @property
    def database(self) -> Path:
        """The file of the SQLite store."""
        return Path(self.store.removeprefix("sqlite:///")) if self.store else self.directory / "sfc.db"

    @property
    def url(self) -> str:
        """Where a client on this machine finds the server."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def aws(self) -> AwsSettings:
        """Step Functions itself (`aws-sdk:sfn:…`) is this server, unless another one was named."""
        return AwsSettings.of(self.aws_endpoints, self.aws_region).otherwise("stepfunctions", self.url)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Settings":
        given: dict[str, Any] = {key: tuple(each) if isinstance(each, list) else each for key, each in value.items()}
        if given.get("kafka") is not None:
            given["kafka"] = KafkaSettings.from_json(given["kafka"])
        return cls(**given)
