"""What a worker's jobs wait for and an engine brings: task metas and packages, by digest. No Ray."""

import asyncio

from sfc.errors import Unavailable


class Parcels:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._awaited: dict[str, asyncio.Future[bytes]] = {}
        self._changed = asyncio.Event()

    async def fetch(self, digest: str) -> bytes:
        """Returns when an engine has brought it. Raises Unavailable when there is no such thing."""
        coming = self._awaited.get(digest)
        if coming is None:
            coming = self._awaited[digest] = asyncio.get_running_loop().create_future()
            coming.add_done_callback(lambda _: self._awaited.pop(digest, None))
            self._changed.set()
        return await asyncio.shield(coming)

    async def wanted(self, poll_s: float) -> list[str]:
        """All that is awaited, as soon as there is something; [] after `poll_s`. Several engines may bring the same."""
        if not self._awaited:
            self._changed.clear()
            try:
                async with asyncio.timeout(poll_s):
                    await self._changed.wait()
            except TimeoutError:
                pass
        return list(self._awaited)

    def bring(self, digest: str, data: bytes | None, why: str) -> None:
        """`data` None: there is no such thing, `why` says so."""
        coming = self._awaited.get(digest)
        if coming is None or coming.done():
            return
        if data is None:
            coming.set_exception(Unavailable(why))
            coming.exception()  # nobody may be waiting any more
        else:
            coming.set_result(data)
