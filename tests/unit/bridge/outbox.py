"""An outbox whose broker a test holds in its hands."""

from collections.abc import Callable

from sfc.kafka.outbox import Done, Message, Outbox, Receipt, Refused


class FakeOutbox(Outbox):
    def __init__(self) -> None:
        self.sent: list[Message] = []
        """What the broker has, in order."""
        self.held: list[tuple[Message, Done]] = []
        self.holds = False
        self.refuse: Callable[[Message], Refused | None] = lambda _message: None

    def send(self, message: Message, done: Done) -> None:  # type: ignore[override]
        self.held.append((message, done))
        if not self.holds:
            self.let_go()

    def let_go(self) -> None:
        """The broker answers all that it was sent."""
        held, self.held = self.held, []
        for message, done in held:
            refused = self.refuse(message)
            if refused is None:
                self.sent.append(message)
            done(Receipt(message.topic, 0, len(self.sent)) if refused is None else refused)

    def lose(self) -> None:
        """What is under way is gone with the process that sent it."""
        self.held = []
