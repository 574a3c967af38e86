"""The web app at "/": a small ASGI app that is there at once, and Gradio behind it as soon as it is built.

Gradio takes seconds to import, and the API must not wait for it. So `mount` puts `WebApp` at "/" when the server is
made, and Gradio is built in a thread once the API is ready; until then people see a page that says so and comes back
by itself.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from ui_gradio.client import Api
from ui_gradio.gate import Gate
from ui_gradio.transport import StreamingASGITransport

log = logging.getLogger(__name__)

# Never resolved: requests to it go to the app in this process.
IN_PROCESS = "http://nexus.local"


class WebApp:
    """The ASGI app mounted at "/". It starts building Gradio with `start`, or at the first request.

    `failure` holds what went wrong when Gradio could not be built; the API is not touched by that.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._gate = Gate(api)
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self.failure: Exception | None = None

    @property
    def ready(self) -> bool:
        """Whether the pages are served (and no longer the one that says "starting")."""
        return self._gate.gradio is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if self._task is None:
            self.start()
        await self._gate(scope, receive, send)

    def start(self, after: Callable[[], Awaitable[object]] | None = None) -> None:
        """Begin to build Gradio in the background, once `after()` has returned. Call it in the running event loop;
        a second call does nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(after))

    async def stop(self) -> None:
        """End Gradio's own lifespan and close the connections to the API."""
        self._stopping.set()
        if self._task is not None:
            _done, pending = await asyncio.wait({self._task}, timeout=10)
            for task in pending:
                task.cancel()
        await self._api.close()

    async def _run(self, after: Callable[[], Awaitable[object]] | None) -> None:
        try:
            if after is not None:
                await after()
            gradio = await asyncio.to_thread(_build, self._api)
            # Entered and left by one task, as its task groups demand.
            async with gradio.router.lifespan_context(gradio):
                self._gate.gradio = gradio
                await self._stopping.wait()
                self._gate.gradio = None
        except Exception as error:
            self.failure = error
            self._gate.failed = True
            log.exception("The web app could not be started; the API goes on without it.")


def _build(api: Api) -> FastAPI:
    from ui_gradio.blocks import build  # imports Gradio

    return build(api)


def mount(app: FastAPI, *, api_base: str | None = None, after: Callable[[], Awaitable[object]] | None = None) -> WebApp:
    """Serve the web app at "/" of `app`, behind every route that `app` has by now: call it after the others.

    It is cheap and does not import Gradio. Gradio is built when `app`'s lifespan has started and `after()` (say, "the
    indexes are open") has returned; on an app that is running already, call `WebApp.start` or wait for the first
    request. `api_base`: the address of the API when it is another server's; by default it is `app` itself, called
    in this process.
    """
    transport = None if api_base else StreamingASGITransport(app)
    web = WebApp(Api(transport=transport, base_url=api_base or IN_PROCESS))
    app.mount("/", web, name="web")

    outer = app.router.lifespan_context

    @contextlib.asynccontextmanager
    async def lifespan(app_: FastAPI) -> AsyncIterator[object]:
        async with outer(app_) as state:
            web.start(after)
            try:
                yield state
            finally:
                await web.stop()

    app.router.lifespan_context = lifespan  # type: ignore[assignment]
    return web
