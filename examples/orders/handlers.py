"""The order flow's tasks in Python. Each does pretend work that takes as long as the real thing might."""

import asyncio
import time
from typing import Any

from sfc.tasks import TaskContext, TaskError, task

BUSY_TRIES = 1
"""The bank answers "busy" to the first so many tries of each charge."""


@task("check-order")
def check_order(order: dict[str, Any]) -> dict[str, Any]:
    """Adds the order up. Raises KeyError for a line without a price, which fails the order."""
    lines = order["lines"]
    return {"lines": len(lines), "total": round(sum(line["price"] * line["quantity"] for line in lines), 2)}


@task("screen-for-fraud")
async def screen_for_fraud(order: dict[str, Any]) -> dict[str, Any]:
    await asyncio.sleep(0.5)
    if order["customer"].endswith("@example.invalid"):
        raise TaskError("FraudSuspected", f"{order['customer']} is on the list")
    return {"score": 0.07}


@task("charge-card")
def charge_card(charge: dict[str, Any], ctx: TaskContext) -> dict[str, Any]:
    """Charges once however often it is called: the idempotency key goes to the bank with every try."""
    if ctx.attempt < BUSY_TRIES:
        raise TaskError("BankBusy", "please come again")
    if charge["card"].startswith("0000"):
        raise TaskError("CardDeclined", "the bank declined the card")
    time.sleep(0.3)
    return {"receipt": f"R-{charge['orderId']}", "amount": charge["amount"], "key": ctx.idempotency_key}


@task("refund-card")
def refund_card(refund: dict[str, Any]) -> dict[str, Any]:
    return {"refunded": refund["amount"]}


@task("pack-and-ship")
def pack_and_ship(parcel: dict[str, Any], ctx: TaskContext) -> dict[str, Any]:
    """Takes two seconds a parcel and tells that it is alive meanwhile."""
    for reservation in parcel["reservations"]:
        ctx.logger.info("packing %s", reservation["sku"])
        ctx.heartbeat()
        time.sleep(2 / len(parcel["reservations"]))
    return {"tracking": f"TRACK-{parcel['orderId']}"}


@task("tell-customer")
async def tell_customer(message: dict[str, Any]) -> str:
    await asyncio.sleep(0.1)
    return f"told {message['customer']}: {message['text']}"
