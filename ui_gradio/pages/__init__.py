"""The pages around the app, made without Gradio: the ways in, starting, and messages."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ui_gradio.visitor import LANGUAGE_COOKIE
from ui_gradio.words import LANGUAGES, language_of, word

_templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)


def language(request: Request) -> str:
    """The reader's language, "en" or "ko": the one chosen in this browser, or the browser's own."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return chosen if chosen in LANGUAGES else language_of(request.headers.get("accept-language", ""))


def page(
    request: Request, template: str, *, status: int = 200, errors: Mapping[str, str] | None = None, **context: object
) -> HTMLResponse:
    """The page made from `template`. `errors`: what is wrong, by field; under "" what belongs to none."""
    tongue = language(request)
    html = _templates.get_template(template).render(
        lang=tongue, t=lambda key, **values: word(key, tongue, **values), errors=errors or {}, **context
    )
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})


def starting(request: Request) -> HTMLResponse:
    """Shown until Gradio is built; comes back by itself."""
    response = page(request, "starting.html", status=503)
    response.headers["Retry-After"] = "1"
    return response


def message(request: Request, name: str, *, status: int) -> HTMLResponse:
    """A page that says one thing: `name` is "lost", "failed", "unreachable" or "foreign" of the catalogue."""
    return page(request, "message.html", status=status, name=name)


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
    try:
        parts = urlsplit(path)
    except ValueError:
        return "/"
    inside = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return path if inside and path.isprintable() and "\\" not in path else "/"
