"""Ask: the assistant's stream of events, folded into frames that the page can draw.

A frame is the whole state so far, so a frame that is skipped costs nothing; Gradio sends only the difference to the
one before.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from ui_gradio.actions.calls import Payload
from ui_gradio.client import Api, Problem, ServerEvent
from ui_gradio.visitor import Visitor

# Frames are drawn at most this often; what arrives in between is drawn together.
FRAME_SECONDS = 0.03

# What a question may be sent with, besides the spaces.
OPTIONAL = ("conversation_id", "replaces", "document_ids", "kinds", "as_of")

Frame = dict[str, Any]


async def ask(api: Api, visitor: Visitor, payload: Payload) -> AsyncIterator[Frame]:
    """Ask the assistant and give a frame each time the answer has grown.

    `payload`: `run` (echoed, so that the page can tell answers apart), and what the chat takes: `message`,
    `conversation_id`, `replaces`, and the scope (`space_ids`, `document_ids`, `kinds`, `as_of`).
    A frame: `run`, `conversation_id`, `steps` ([{label, state, detail}]), `text`, `answer` (the whole answer once it
    is there), `problem` (a problem document, when it failed) and `done`.
    """
    frame: Frame = {
        "run": payload.get("run"),
        "conversation_id": payload.get("conversation_id"),
        "steps": [],
        "text": "",
        "answer": None,
        "problem": None,
        "done": False,
    }
    events: asyncio.Queue[ServerEvent | None] = asyncio.Queue()
    reader = asyncio.create_task(_read(api, visitor, payload, events))
    try:
        while not frame["done"]:
            arrived = [await events.get()]
            while not events.empty():
                arrived.append(events.get_nowait())
            for event in arrived:
                if event is None:
                    frame["done"] = True
                else:
                    _apply(frame, event)
            if frame["done"] and not frame["answer"] and not frame["problem"]:
                frame["problem"] = {
                    "status": 502,
                    "code": "stream_ended",
                    "title": "The answer was cut off",
                    "detail": "The assistant stopped before it had finished. Ask again.",
                }
            yield {**frame, "steps": [dict(step) for step in frame["steps"]]}
            await asyncio.sleep(FRAME_SECONDS)
    finally:
        reader.cancel()
        await asyncio.wait({reader})


async def _read(api: Api, visitor: Visitor, payload: Payload, events: "asyncio.Queue[ServerEvent | None]") -> None:
    body = {"message": payload.get("message", ""), "stream": True, "space_ids": payload.get("space_ids") or []}
    body |= {name: payload[name] for name in OPTIONAL if payload.get(name)}
    try:
        async with api.events(visitor, "/assistant/chat", body) as stream:
            async for event in stream:
                events.put_nowait(event)
    except Problem as problem:
        events.put_nowait(ServerEvent("error", problem.document))
    finally:
        events.put_nowait(None)


def _apply(frame: Frame, event: ServerEvent) -> None:
    data = event.data
    if event.name == "conversation":
        frame["conversation_id"] = data["conversation_id"]
    elif event.name == "step":
        # A step is announced as running and again when it is done.
        for step in frame["steps"]:
            if step["label"] == data["label"] and step["state"] == "running":
                step.update(data)
                return
        frame["steps"].append(dict(data))
    elif event.name == "delta":
        frame["text"] += data["text"]
    elif event.name == "answer":
        frame["answer"] = data
        frame["conversation_id"] = data.get("conversation_id") or frame["conversation_id"]
    elif event.name == "error":
        frame["problem"] = data.get("problem", data)
