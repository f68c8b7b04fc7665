"""How a worker gets the task metas and packages that its jobs wait for."""

from typing import Any, cast

from ray.exceptions import ActorDiedError, ActorUnavailableError

from actors import supply
from actors.clients import WorkerClient
from sfc.errors import NotFound


class Wanting:
    """Tells these wishes one after the other, then it is dead."""

    def __init__(self, *wishes: list[str] | Exception) -> None:
        self._wishes = list(wishes)
        self.kept: list[tuple[str, bytes | None, str]] = []

    async def wanted(self, _poll_s: float) -> list[str]:
        wish = self._wishes.pop(0) if self._wishes else ActorDiedError()
        if isinstance(wish, Exception):
            raise wish
        return wish

    async def keep(self, *brought: Any) -> None:
        self.kept.append(cast(Any, brought))


async def fetch(digest: str) -> bytes:
    if digest == "absent":
        raise NotFound("there is none")
    return digest.encode()


async def test_what_a_worker_wants_is_brought_until_it_dies(monkeypatch: Any) -> None:
    monkeypatch.setattr(supply, "_AGAIN_S", 0)
    worker = Wanting(["a"], [], ActorUnavailableError("away", None), ["absent", "b"])
    await supply.supply(cast(WorkerClient, worker), fetch)
    assert worker.kept == [("a", b"a", ""), ("absent", None, "there is none"), ("b", b"b", "")]
