"""The Gradio app behind the pages: one invisible component that connects the browser's modules with Python.

Importing this module imports Gradio (2 to 5 s), so it is imported late, in a thread, by `ui_gradio.app`.
The pages themselves are the modules in `assets/`; they call the actions as Gradio server functions and get the
assistant's answer as a Gradio event stream.
"""

import os
from collections.abc import AsyncIterator
from typing import Any

# Read by Gradio when it is imported.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
from fastapi import FastAPI

from ui_gradio.actions import handlers
from ui_gradio.asking import Frame, ask
from ui_gradio.client import Api
from ui_gradio.visitor import Visitor

# One answer at a time in a tab, many tabs.
PARALLEL_ANSWERS = 64
_LOOK_EVERY_SECONDS = 0.01

# assets/bridge.js waits for these: its module may run before or after Gradio draws its components.
LINK_JS = """
const link = { server, trigger: (name, data) => trigger(name, data), events: ['ask', 'stop'] };
window.nexusLink = { ...window.nexusLink, actions: link };
window.dispatchEvent(new Event('nexus:link'));
"""
FEED_JS = """
window.nexusLink = { ...window.nexusLink, feed: () => props.value };
watch('value', () => window.dispatchEvent(new CustomEvent('nexus:frame', { detail: props.value })));
window.dispatchEvent(new Event('nexus:link'));
"""


def build(api: Api) -> FastAPI:
    """The Gradio app, mounted on a FastAPI app of its own whose lifespan runs Gradio's."""

    async def ask_handler(event: gr.EventData, request: gr.Request) -> AsyncIterator[Frame]:
        frames = ask(api, Visitor.of(request), _event_payload(event))
        try:
            async for frame in frames:
                yield frame
        finally:
            await frames.aclose()  # type: ignore[attr-defined]  # an async generator

    with gr.Blocks(title="Nexus Stream", analytics_enabled=False, fill_width=True) as demo:
        link = gr.HTML("", elem_id="nexus-link", js_on_load=LINK_JS, server_functions=handlers(api, gr.Request))
        feed = gr.HTML({}, elem_id="nexus-feed", html_template="", js_on_load=FEED_JS)
        answering = link.ask(
            ask_handler,
            inputs=None,
            outputs=feed,
            queue=True,
            show_progress="hidden",
            concurrency_limit=PARALLEL_ANSWERS,
            trigger_mode="multiple",
            api_visibility="private",
        )
        link.stop(None, cancels=[answering], queue=False, show_progress="hidden", api_visibility="private")

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    gr.mount_gradio_app(
        app,
        demo,
        path="/",
        footer_links=[],
        run_history=False,
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        enable_monitoring=False,
        show_error=False,
    )
    # Gradio looks for questions every millisecond, which takes a twentieth of a core from everybody else.
    demo._queue.sleep_when_free = _LOOK_EVERY_SECONDS
    return app


def _event_payload(event: gr.EventData) -> dict[str, Any]:
    data = event._data
    return dict(data) if isinstance(data, dict) else {}
