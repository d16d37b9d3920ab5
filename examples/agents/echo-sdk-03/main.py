"""Echo: says back what it hears, word by word, with the official A2A SDK for Python (0.3)."""

import asyncio
import json
import os
from pathlib import Path

import uvicorn
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.apps import A2AStarletteApplication
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import AgentCard, Part, TextPart
from a2a.utils import new_task

HOST = os.environ.get("HOST") or "127.0.0.1"
PORT = int(os.environ.get("PORT") or 5000)


class Echo(AgentExecutor):
    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        task = context.current_task
        if task is None:
            task = new_task(context.message)
            await event_queue.enqueue_event(task)
        updater = TaskUpdater(event_queue, task.id, task.context_id)
        await updater.start_work()
        words = f"Echo: {context.get_user_input()}".split(" ")
        for index, word in enumerate(words):
            text = word if index == 0 else f" {word}"
            await updater.add_artifact(
                [Part(root=TextPart(text=text))],
                artifact_id="echo",
                name="echo",
                append=index > 0,
                last_chunk=index == len(words) - 1,
            )
            await asyncio.sleep(0.005)
        await updater.complete()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


def card() -> AgentCard:
    written = json.loads(Path(__file__).with_name("AgentCard.json").read_text())
    return AgentCard.model_validate({**written, "url": f"http://{HOST}:{PORT}/"})


def app():
    handler = DefaultRequestHandler(agent_executor=Echo(), task_store=InMemoryTaskStore())
    return A2AStarletteApplication(agent_card=card(), http_handler=handler).build()


if __name__ == "__main__":
    uvicorn.run(app(), host=HOST, port=PORT, log_level="warning", timeout_graceful_shutdown=5)
