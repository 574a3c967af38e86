"""Searching: results, suggestions, searches that are kept, and what administrators see of all searches."""

from ui_gradio.actions.calls import Action, action

_SAVED = ("name", "query", "mode", "filters", "alert")

ACTIONS: tuple[Action, ...] = (
    action(
        "search",
        "POST",
        "/search",
        body=(
            "query",
            "k",
            "mode",
            "filters",
            "per_source",
            "sort",
            "group",
            "facets",
            "explain",
            "cursor",
            "correct",
            "log",
        ),
    ),
    action("suggest", "GET", "/search/suggest", query=("q", "limit")),
    action("search_click", "POST", "/search/{id}/clicks", body=("chunk_id", "position")),
    action("similar_documents", "GET", "/documents/{id}/similar", query=("k",)),
    action("saved_searches", "GET", "/saved-searches", query=("cursor", "limit")),
    action("save_search", "POST", "/saved-searches", body=_SAVED),
    action("change_saved_search", "PATCH", "/saved-searches/{id}", body=_SAVED),
    action("delete_saved_search", "DELETE", "/saved-searches/{id}"),
    action("saved_search_news", "GET", "/saved-searches/{id}/news", query=("cursor", "limit")),
    action("saved_search_seen", "POST", "/saved-searches/{id}/seen"),
    action("search_analytics", "GET", "/search/analytics", query=("days",)),
    action("index_models", "GET", "/index/models"),
    action(
        "build_index_model", "POST", "/index/models", body=("model", "revision", "precision", "endpoint", "languages")
    ),
    action("flip_index_model", "POST", "/index/models/flip", body=("force",)),
    action("rollback_index_model", "POST", "/index/models/rollback"),
    action("discard_index_model", "DELETE", "/index/models/change"),
)
