"""Spaces, documents, and the index."""

from typing import Any

from ui_gradio.actions.calls import Action, Payload, action
from ui_gradio.client import Api
from ui_gradio.visitor import Visitor


async def spaces(api: Api, visitor: Visitor, payload: Payload) -> Any:
    """The spaces that the caller may read."""
    return await api.call(visitor, "GET", "/spaces", params={"limit": 100, "cursor": payload.get("cursor")})


async def create_space(api: Api, visitor: Visitor, payload: Payload) -> Any:
    """Make a space of the caller's own."""
    return await api.call(visitor, "POST", "/spaces", body={"name": payload.get("name", ""), "kind": "team"})


async def index_retry(api: Api, visitor: Visitor, payload: Payload) -> Any:
    """Try failed sources again (admin): one, or all when none is named."""
    fields = ("source_kind", "source_id")
    return await api.call(
        visitor, "POST", "/index/retry", body={name: payload[name] for name in fields if payload.get(name)}
    )


ACTIONS: tuple[Action, ...] = (
    spaces,
    create_space,
    index_retry,
    action("documents", "GET", "/documents", query=("space_id", "q", "shared", "cursor", "limit")),
    action("create_document", "POST", "/documents", body=("space_id", "title", "text")),
    action("document", "GET", "/documents/{id}"),
    action("document_text", "GET", "/documents/{id}/text", query=("version", "start", "end")),
    action("change_document", "PATCH", "/documents/{id}", body=("tags", "category")),
    action("delete_document", "DELETE", "/documents/{id}"),
    action("grants", "GET", "/documents/{id}/grants", query=("cursor",)),
    action("set_grant", "PUT", "/documents/{id}/grants", body=("user_id", "team_id", "role")),
    action("delete_grant", "DELETE", "/documents/{id}/grants/{grant_id}"),
    action("index_status", "GET", "/index/status"),
    action("index_reconcile", "POST", "/index/reconcile"),
)
