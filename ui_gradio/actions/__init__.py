"""What the browser may ask of the web app: one function for each thing a page does.

They run as Gradio server functions. A server function is a way in like any other, so each passes the caller's own
cookie to the API, which decides; none of them knows more than its caller. A function gives `{"data": ...}`, or
`{"problem": ...}` with the API's problem document.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from ui_gradio.actions import account, admin, assistant, content, groups, search
from ui_gradio.actions.calls import Action, Payload
from ui_gradio.client import Api, Problem
from ui_gradio.visitor import Visitor

Handler = Callable[[Payload, Any], Awaitable[dict[str, Any]]]

ACTIONS: tuple[Action, ...] = (
    *assistant.ACTIONS,
    *content.ACTIONS,
    *search.ACTIONS,
    *account.ACTIONS,
    *groups.ACTIONS,
    *admin.ACTIONS,
)


def handlers(api: Api, request_type: type) -> list[Handler]:
    """All actions, bound to `api`, in the form that Gradio calls; `request_type` is the annotation by which Gradio
    knows where to put the request."""
    return [_handler(api, action, request_type) for action in ACTIONS]


def _handler(api: Api, action: Action, request_type: type) -> Handler:
    async def handler(payload: Payload, request: Any) -> dict[str, Any]:
        try:
            return {"data": await action(api, Visitor.of(request), payload or {})}
        except Problem as problem:
            return {"problem": problem.document}

    handler.__name__ = action.__name__
    handler.__doc__ = action.__doc__
    handler.__annotations__ = {"payload": dict, "request": request_type}
    return handler
