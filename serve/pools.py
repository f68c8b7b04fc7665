"""The pools as the server keeps them: what blueprints say, what people set over it, and the scheduler that acts on it.

What was set is in the store, so it outlives the cluster; the scheduler is told when the engine opens and at each
change.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeVar

from ray.exceptions import RayError

from actors.chronicle import Decision
from actors.clients import SchedulerClient
from actors.overview import Overview, PoolOverview
from actors.roster import Standings
from serve.capacity import Worker
from sfc.catalog.catalog import Catalog
from sfc.catalog.pool_policy import COMMON, PoolPolicy, read_policy, spelled_policy
from sfc.catalog.pool_shelf import PoolShelf
from sfc.errors import InvalidRequest, NotFound, Unavailable
from sfc.jsonvalue import Json

log = logging.getLogger(__name__)
T = TypeVar("T")

_AGAIN_S: Final = 0.5
_PAGE: Final = 500
_STANDINGS_S: Final = 60.0
"""How blueprints stand is kept so often: what the last minute changed may be lost with the cluster."""
_ANSWER_S: Final = 10.0
"""Longest wait for the scheduler: longer than it takes to come back."""


class Pools:
    """All methods run on the engine's event loop. Raises Unavailable while the scheduler is away."""

    def __init__(
        self,
        scheduler: SchedulerClient,
        catalog: Catalog,
        shelf: PoolShelf,
        common: PoolPolicy,
        dedicate: Callable[[str, bool], None],
    ) -> None:
        """`common`: the common pool's policy where nothing was set. `dedicate`: tells the dispatcher that jobs of a
        blueprint wait for a pool of its own, or not: no job of a new blueprint may run with the wrong resources.
        """
        self._scheduler = scheduler
        self._dedicate = dedicate
        self._catalog = catalog
        self._shelf = shelf
        self._common = common
        self._set: dict[str, dict[str, Json]] = {}
        """What people set, by pool."""
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self._standings: Standings = {}
        """As they are kept."""
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Tell the scheduler all policies and how blueprints stood, and from now on what changes."""
        policies = await asyncio.to_thread(self._read_all)
        for name, policy in policies.items():
            self._notice(name, policy)
        self._changed.clear()
        await self._ask(self._scheduler.apply(policies, whole=True))
        self._standings = await asyncio.to_thread(self._shelf.standings)
        await self._ask(self._scheduler.recall(self._standings))
        loop = asyncio.get_running_loop()

        def changed(name: str) -> None:  # in the thread that changes it, before whoever asked for that is answered
            policy = self._current(name)
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._notice, name, policy)

        self._catalog.subscribe(changed)
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._keep_standings())]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._note_standings()

    async def workers(self) -> list[Worker]:
        statuses = await self._ask(self._scheduler.statuses())
        return [
            Worker(name, name.split("/")[1], status.pid, status.running) for name, status in sorted(statuses.items())
        ]

    async def overview(self) -> Overview:
        return await self._ask(self._scheduler.overview())

    async def pool(self, name: str) -> PoolOverview:
        """Also of a blueprint without work. Raises NotFound."""
        policy = await self.policy(name)  # the scheduler hears of a change a moment later
        return (await self._ask(self._scheduler.pool(name)))._replace(policy=policy.to_json())

    async def why(self, name: str) -> list[Decision]:
        """Latest last. Raises NotFound."""
        await self.policy(name)
        return await self._ask(self._scheduler.why(name))

    async def policy(self, name: str) -> PoolPolicy:
        """As it holds now. Raises NotFound when there is no such blueprint."""
        return await asyncio.to_thread(self._effective, name, self._set.get(name, {}))

    async def set(self, name: str, settings: Mapping[str, Json], *, over: bool) -> PoolPolicy:
        """Keep these settings for the pool, `over` those that were set or in their place; null takes one back.

        Raises NotFound, InvalidRequest.
        """
        merged = {**self._set.get(name, {}), **settings} if over else dict(settings)
        merged = {key: value for key, value in merged.items() if value is not None or key not in settings}
        read_policy(settings)  # tells of a wrong name even where its value is null
        policy = await asyncio.to_thread(self._effective, name, merged)
        await asyncio.to_thread(self._shelf.put_pool, name, merged)
        self._set[name] = merged
        self._notice(name, policy)
        return policy

    async def drain(self, name: str) -> None:
        """Have new workers take the place of all there are. Raises NotFound."""
        await self.policy(name)
        await self._ask(self._scheduler.replace(name))

    # ---- details

    def _read_all(self) -> dict[str, PoolPolicy | None]:
        self._set = self._shelf.pools()
        policies: dict[str, PoolPolicy | None] = {COMMON: self._effective(COMMON, self._set.get(COMMON, {}))}
        after, more = "", True
        while more:
            page = self._catalog.list(after, _PAGE)
            for version in page:
                if version.name in self._set or spelled_policy(version.settings):
                    policies[version.name] = self._effective(version.name, self._set.get(version.name, {}))
            after, more = (page[-1].name, len(page) == _PAGE) if page else ("", False)
        return policies

    def _effective(self, name: str, settings: Mapping[str, Json]) -> PoolPolicy:
        """Blocks. Raises NotFound, InvalidRequest."""
        if name == COMMON:
            if settings.get("mode", COMMON) != COMMON:
                raise InvalidRequest("pool.mode of the common pool is common", field="pool.mode")
            return read_policy(settings, default=self._common)
        return read_policy(spelled_policy(self._catalog.get(name).settings), settings)

    def _notice(self, name: str, policy: PoolPolicy | None) -> None:
        if name != COMMON:
            self._dedicate(name, policy is not None and policy.mode == "specific")
        self._changed.add(name)
        self._wake.set()

    async def _follow(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            names, self._changed = self._changed, set()
            try:
                await self._scheduler.apply({name: await self._kept(name) for name in names})
            except (RayError, Unavailable) as error:
                log.info("the scheduler does not hear of policies: %s", error)
                self._changed |= names
                self._wake.set()
                await asyncio.sleep(_AGAIN_S)

    async def _keep_standings(self) -> None:
        while True:
            await asyncio.sleep(_STANDINGS_S)
            await self._note_standings()

    async def _note_standings(self) -> None:
        """Keep what is new since the last time."""
        try:
            standings = await self._ask(self._scheduler.standings())
            changed = {name: standing for name, standing in standings.items() if standing != self._standings.get(name)}
            gone = dict.fromkeys(set(self._standings) - set(standings))
            if changed or gone:
                await asyncio.to_thread(self._shelf.put_standings, {**changed, **gone})
            self._standings = standings
        except Unavailable as error:
            log.info("how blueprints stand is not kept now: %s", error.message)

    async def _kept(self, name: str) -> PoolPolicy | None:
        """What the scheduler shall know. What was set goes with the blueprint."""
        if name not in self._set or await asyncio.to_thread(self._exists, name):
            return await asyncio.to_thread(self._current, name)
        del self._set[name]
        await asyncio.to_thread(self._shelf.put_pool, name, {})
        return None

    def _exists(self, name: str) -> bool:
        try:
            return name == COMMON or bool(self._catalog.get(name))
        except NotFound:
            return False

    def _current(self, name: str) -> PoolPolicy | None:
        """Blocks. None: the default, also where there is no such blueprint."""
        try:
            policy = self._effective(name, self._set.get(name, {}))
        except NotFound:
            return None
        except InvalidRequest as error:
            log.error("the settings of pool %s are left out: %s", name, error.message)
            return None
        return None if policy == PoolPolicy() else policy

    async def _ask(self, answer: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await answer
        except (RayError, TimeoutError) as error:
            raise Unavailable(f"the scheduler does not answer: {error or type(error).__name__}") from error
