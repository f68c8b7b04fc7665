"""Dead letters: records that no execution could be started for."""

from typing import Annotated

from fastapi import APIRouter, Query

from serve import models_dead_letters as models
from serve.routes.common import CONFLICT, ERRORS, PAGE, BridgeDep, Limit, Token

router = APIRouter(prefix="/api/kafka/dead-letters", tags=["triggers"], responses=ERRORS)


@router.get("", summary="List dead letters")
async def list_dead_letters(
    bridge: BridgeDep,
    trigger: Annotated[str | None, Query(description="Only those of this trigger.")] = None,
    limit: Limit = PAGE,
    token: Token = None,
) -> models.DeadLetters:
    """Newest first."""
    letters = bridge.kafka.dead_letters
    page = await letters.list(trigger, limit, token)
    names = await letters.triggers()
    return models.DeadLetters(items=[models.outline(each, names) for each in page.items], next_token=page.next_token)


@router.get("/{id}", summary="Show a dead letter")
async def get_dead_letter(bridge: BridgeDep, id: int) -> models.DeadLetter:
    """With the record as it came."""
    letters = bridge.kafka.dead_letters
    return models.dead_letter(await letters.get(id), await letters.triggers())


@router.post("/{id}/replay", summary="Replay a dead letter", responses=CONFLICT)
async def replay_dead_letter(bridge: BridgeDep, id: int) -> models.Replayed:
    """Its trigger, as it is now, uses the record again. The dead letter is gone if that works, and stays if not."""
    return models.replayed(await bridge.kafka.dead_letters.replay(id))


@router.delete("/{id}", summary="Drop a dead letter", status_code=204)
async def drop_dead_letter(bridge: BridgeDep, id: int) -> None:
    """It is forgotten here; what was published of it stays on the topic of dead letters."""
    await bridge.kafka.dead_letters.drop(id)
