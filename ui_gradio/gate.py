"""What is answered at "/": who comes in, what of Gradio is reachable, and the pages around it.

Only the parts of Gradio that the pages use are let through. Its upload, file, proxy, call and history endpoints are
not, since they would be further ways to the disk and to the functions behind them.
"""

import re
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui_gradio import pages, words
from ui_gradio.client import Api, Problem
from ui_gradio.entrance import Entrance
from ui_gradio.visitor import Visitor

ASSETS = Path(__file__).parent / "assets"

# Every page is the same Gradio page; the browser's router draws what the address says.
PAGE = re.compile(
    r"/(search|knowledge|status|documents/[^/]+|conversations/[^/]+|account|account/security"
    r"|(teams|projects)(/[^/]+)?|admin(/users|/invitations|/mail|/audit|/searches|/answers|/gaps|/assistant)?)?"
)
GRADIO_PUBLIC = re.compile(r"/(assets|static|svelte)/.+|/theme\.css|/robots\.txt")
GRADIO_PRIVATE = re.compile(
    r"/config|/gradio_api/(info|app_id|theme\.css|startup-events|component_server|cancel|reset"
    r"|queue/join|queue/data|heartbeat/[^/]+)/?"
)

# Gradio's page speaks of Gradio to link previews, and finds its files relative to the address.
FOREIGN_TAGS = re.compile(rb'\s*<meta\s+(?:property|name)="(?:og|twitter):[^>]*>|\s*<link rel="manifest"[^>]*>')
BASE_TAG = re.compile(rb'<base href="[^"]*"\s*/?>')
# In the page itself and not through Gradio's `head`, which it adds when it has started: so the pages draw at once.
HEAD = b"""<base href="/" />
		<meta name="nexus-language" content="%s" />
		<meta name="color-scheme" content="light dark" />
		<title>Nexus Stream</title>
		<link rel="icon" href="/ui/icon.svg" type="image/svg+xml" />
		<link rel="stylesheet" href="/ui/theme.css" />
		<link rel="stylesheet" href="/ui/frame.css" />
		<link rel="stylesheet" href="/ui/parts.css" />
		<link rel="stylesheet" href="/ui/ask.css" />
		<link rel="stylesheet" href="/ui/answer.css" />
		<link rel="stylesheet" href="/ui/document.css" />
		<link rel="stylesheet" href="/ui/lists.css" />
		<link rel="stylesheet" href="/ui/search.css" />
		<link rel="stylesheet" href="/ui/insight.css" />
		<link rel="stylesheet" href="/ui/account.css" />
		<link rel="stylesheet" href="/ui/narrow.css" />
		<script type="module" src="/ui/main.js"></script>"""


class Gate:
    """The ASGI app in front of Gradio. `gradio` is None until it is built; `failed` when it cannot be."""

    def __init__(self, api: Api) -> None:
        self.gradio: ASGIApp | None = None
        self.failed = False
        self._api = api
        self._entrance = Entrance(api)
        self._assets = StaticFiles(directory=ASSETS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope, receive)
        path = scope["path"]
        if path == "/ui/catalogue.js":
            await Response(words.catalogue_module(), media_type="text/javascript")(scope, receive, send)
        elif path.startswith("/ui/"):
            await self._asset(path.removeprefix("/ui/"), scope, receive, send)
        elif PAGE.fullmatch(path) and request.method in {"GET", "HEAD"}:
            await self._page(request, scope, receive, send)
        elif self._entrance.serves(request):
            await (await self._entrance.respond(request))(scope, receive, send)
        elif path == "/favicon.ico":
            await RedirectResponse("/ui/icon.svg", 301)(scope, receive, send)
        elif GRADIO_PUBLIC.fullmatch(path) or GRADIO_PRIVATE.fullmatch(path):
            await self._gradio_part(scope, receive, send)
        else:
            await pages.message(request, "lost", status=404)(scope, receive, send)

    async def _asset(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        async def revalidated(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Cache-Control"] = "no-cache"
            await send(message)

        await self._assets({**scope, "path": "/" + name, "root_path": ""}, receive, revalidated)

    async def _page(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            me = await self._api.call(Visitor.of(request), "GET", "/users/me")
        except Problem as problem:
            await self._refusal(request, problem)(scope, receive, send)
            return
        if self.gradio is None:
            waiting = pages.message(request, "failed", status=503) if self.failed else pages.starting(request)
            await waiting(scope, receive, send)
            return
        # The address and its query belong to the browser's router; Gradio sees its one page, and is asked for it
        # unpacked since it is edited below.
        headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        inner = {**scope, "path": "/", "raw_path": b"/", "query_string": b"", "headers": headers}
        chosen = me.get("locale")
        language = chosen if chosen in words.LANGUAGES else pages.language(request)
        await self.gradio(inner, receive, _Rewritten(send, language))

    def _refusal(self, request: Request, problem: Problem) -> Response:
        """What a visitor gets who is not signed in, or whom nobody could check."""
        if problem.document["status"] == 401:
            return pages.to_sign_in(request)
        return pages.message(request, "unreachable", status=503)

    async def _gradio_part(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.gradio is None:
            await Response("Starting.", 503, {"Retry-After": "2"})(scope, receive, send)
            return
        await self.gradio(scope, receive, send)


class _Rewritten:
    """Sends Gradio's page on with absolute addresses, our head, in the reader's language, without its link previews."""

    def __init__(self, send: Send, language: str) -> None:
        self._send = send
        self._language = language.encode()
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] != "http.response.body" or self._start is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        page = FOREIGN_TAGS.sub(b"", self._body)
        page = BASE_TAG.sub(HEAD % self._language, page, count=1)
        page = page.replace(b'lang="en"', b'lang="%s"' % self._language, 1)
        headers = MutableHeaders(scope=self._start)
        headers["Content-Length"] = str(len(page))
        headers["Cache-Control"] = "no-store"
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": page})
