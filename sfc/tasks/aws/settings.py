"""Where AWS services are called, in a form that crosses processes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sfc.errors import InvalidRequest

_SERVICE: Final = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSettings:
    """Credentials come by boto3's ordinary chain: environment, profile, role of the machine. A service with an endpoint
    of its own is called with made-up ones when the chain has none: emulators ask for no real ones.
    """

    endpoint: str | None = None
    """Base URL of every service; None: AWS itself."""
    endpoints: tuple[tuple[str, str], ...] = ()
    """(service, URL) where one differs; a service by boto3's name or by the one in a Resource."""
    region: str | None = None
    """None: by boto3's chain, else that of the installation."""
    first_poll_s: float = 1.0
    """How long after its beginning a `.sync` job is asked after again; grows up to `longest_poll_s`."""
    longest_poll_s: float = 15.0

    @classmethod
    def of(cls, texts: Sequence[str], region: str | None = None) -> "AwsSettings":
        """From `URL` and `SERVICE=URL`. Raises InvalidRequest for anything else."""
        endpoint, endpoints = None, []
        for text in texts:
            service, _, url = (
                text.partition("=") if _SERVICE.match(text) and "=" in text.split("://")[0] else ("", "", text)
            )
            if not url.startswith(("http://", "https://")) or (service and not _SERVICE.fullmatch(service)):
                raise InvalidRequest(f"{text!r} is neither URL nor SERVICE=URL", field="aws-endpoint")
            if service:
                endpoints.append((service, url.rstrip("/")))
            else:
                endpoint = url.rstrip("/")
        return cls(endpoint=endpoint, endpoints=tuple(endpoints), region=region)

    def otherwise(self, service: str, url: str | None) -> "AwsSettings":
        """With `url` for a service that nothing else was said about."""
        if url is None or any(name == service for name, _ in self.endpoints):
            return self
        return replace(self, endpoints=(*self.endpoints, (service, url)))

    def endpoint_of(self, *names: str) -> str | None:
        """The URL of a service by any of its names."""
        return next((url for service, url in self.endpoints if service in names), self.endpoint)
