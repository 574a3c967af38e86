"""The pages around the app, made without Gradio: sign-in, starting, and messages."""

from pathlib import Path
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ui_gradio.words import language_of, word

_templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)


def language(request: Request) -> str:
    """The language of the reader's browser, "en" or "ko"."""
    return language_of(request.headers.get("accept-language", ""))


def sign_in(request: Request, *, next_path: str = "/", failed: bool = False) -> HTMLResponse:
    """The sign-in form. It posts `token` (a token, or the whole link) and `next` to /sign-in; `failed` says that the
    token was used or too old."""
    status = 401 if failed else 200
    return _page(request, "sign_in.html", status, next_path=local_path(next_path), failed=failed)


def starting(request: Request) -> HTMLResponse:
    """Shown until Gradio is built; comes back by itself."""
    response = _page(request, "starting.html", 503)
    response.headers["Retry-After"] = "1"
    return response


def message(request: Request, name: str, *, status: int) -> HTMLResponse:
    """A page that says one thing: `name` is "lost", "failed" or "unreachable" of the catalogue."""
    return _page(request, "message.html", status, name=name)


def to_sign_in(request: Request) -> Response:
    """Send the visitor to the sign-in page, and back afterwards."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?next={quote(here, safe='')}" if here != "/" else "/sign-in", 303)


def token_of(entered: str) -> str:
    """The token in what a person pasted: the token itself, or the link that carries it."""
    entered = entered.strip()
    for pair in urlsplit(entered).query.split("&"):
        name, _, value = pair.partition("=")
        if name == "token" and value:
            return value
    return entered


def local_path(path: str) -> str:
    """`path` if it stays on this site, "/" otherwise: a link must not send people elsewhere after they sign in."""
    parts = urlsplit(path)
    inside = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return path if inside and path.isprintable() and "\\" not in path else "/"


def _page(request: Request, template: str, status: int, **context: object) -> HTMLResponse:
    tongue = language(request)
    html = _templates.get_template(template).render(lang=tongue, t=lambda key: word(key, tongue), **context)
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})
