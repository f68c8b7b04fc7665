"""Three services of three teams. They know their topics and nothing else: none has heard of SFC, or of the other two.

python -m examples.relay.services shop|pricing|shipping SERVERS
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, Message, Producer

PRICES = {"tea": 4.2, "kettle": 39.0, "cup": 6.5}
ORDERS = 20


def shop(servers: str) -> None:
    """Publishes raw orders to `raw_order_tmall`, and is done."""
    producer = Producer({"bootstrap.servers": servers})
    for number in range(ORDERS):
        order = {"order_id": f"tm-{number}", "lines": [["tea", number % 3 + 1], ["cup", 2]], "country": "CN"}
        producer.produce("raw_order_tmall", json.dumps(order), key=order["order_id"])
    producer.flush()


def pricing(servers: str) -> None:
    """Reads orders from `orders_to_price`, writes what each costs to `priced_orders`. As everywhere in this company, a
    message that is made from another has its headers."""
    producer = Producer({"bootstrap.servers": servers})

    def price(record: Message) -> None:
        order = json.loads(record.value())
        total = round(sum(PRICES[sku] * count for sku, count in order["lines"]), 2)
        producer.produce("priced_orders", json.dumps({"total": total}), key=record.key(), headers=record.headers())
        producer.poll(0)

    _serve(servers, "pricing", "orders_to_price", price)


def shipping(servers: str) -> None:
    """Reads what is to be shipped from `parcels` and prints the label."""

    def ship(record: Message) -> None:
        order: dict[str, Any] = json.loads(record.value())
        print(f"label {order['order_id']} to {order['country']}, insured for {order['price']['total']}", flush=True)

    _serve(servers, "shipping", "parcels", ship)


def _serve(servers: str, group: str, topic: str, work: Callable[[Message], None]) -> None:
    consumer = Consumer({"bootstrap.servers": servers, "group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    while True:
        record = consumer.poll(1)
        if record is not None and record.error() is None:
            work(record)


if __name__ == "__main__":
    {"shop": shop, "pricing": pricing, "shipping": shipping}[sys.argv[1]](sys.argv[2])
