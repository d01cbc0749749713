"""How a worker tells its news: once, because Celery would keep trying and meanwhile do nothing else."""

from typing import Any

from celery.app.events import Events
from celery.events.dispatcher import EventDispatcher
from typing_extensions import override


class PromptDispatcher(EventDispatcher):
    """Tries to send an event once, and keeps one that could not be sent until Redis is back.

    Celery's heartbeat asks for tries without end. On a network that swallows everything, the main process
    would then neither look after its pool nor notice that the network is well again.
    """

    @override
    def send(self, *arguments: Any, **fields: Any) -> None:
        super().send(*arguments, **{**fields, "retry": False})


class PromptEvents(Events):
    """Celery's events, sent promptly or later."""

    dispatcher_cls = f"{__name__}:{PromptDispatcher.__name__}"
