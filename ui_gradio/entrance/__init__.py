"""The ways in before anybody is signed in: plain pages with forms that need no JavaScript, and call the API."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from ui_gradio import pages
from ui_gradio.client import Api
from ui_gradio.entrance.invited import Invited
from ui_gradio.entrance.mailed import Mailed
from ui_gradio.entrance.registering import Registering
from ui_gradio.entrance.signing_in import SigningIn

Open = Callable[[Request], Awaitable[Response]]
Submit = Callable[[Request, dict[str, str]], Awaitable[Response]]

# Enough for the longest of these forms; the rest is not read.
MAX_FIELDS = 12
MAX_FIELD_BYTES = 16 * 1024


class Entrance:
    """Serves the pages before sign-in."""

    def __init__(self, api: Api) -> None:
        signing_in, registering = SigningIn(api), Registering(api)
        mailed, invited = Mailed(api), Invited(api)
        self._pages: dict[str, tuple[Open, Submit]] = {
            "/sign-in": (signing_in.open, signing_in.submit),
            "/register": (registering.open, registering.submit),
            "/forgot": (mailed.open_forgot, mailed.submit_forgot),
            "/reset": (mailed.open_reset, mailed.submit_reset),
            "/verify": (mailed.open_verify, mailed.submit_verify),
            "/join": (invited.open, invited.submit),
        }

    def serves(self, request: Request) -> bool:
        """Whether the address is one of these pages."""
        return request.url.path in self._pages and request.method in {"GET", "HEAD", "POST"}

    async def respond(self, request: Request) -> Response:
        """Answer a request to one of these pages."""
        open_page, submit = self._pages[request.url.path]
        if request.method != "POST":
            return await open_page(request)
        if _is_foreign(request):
            return pages.message(request, "foreign", status=403)
        async with request.form(max_files=0, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES) as form:
            return await submit(request, _texts(form))


def _texts(form: FormData) -> dict[str, str]:
    return {name: value[:MAX_FIELD_BYTES] for name, value in form.items() if isinstance(value, str)}


def _is_foreign(request: Request) -> bool:
    """Whether another site's page sent this form: it could sign a visitor in as somebody else."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")
