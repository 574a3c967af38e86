"""Every list comes in pages."""

from typing import Any

from fastapi.testclient import TestClient

# Lists that cannot grow without end, and why.
BOUNDED = {
    "/api/v1/auth/methods",  # as many as the settings name
    "/api/v1/search/suggest",  # the best, `limit` of them
    "/api/v1/documents/{document_id}/similar",  # the nearest, `k` of them
    "/api/v1/documents/{document_id}/text",  # the paragraphs of one text, which `start` and `end` cut out
    "/api/v1/search/analytics",  # days, at most as many as are kept, and the most frequent of them
    "/api/v1/assistant/conversations/{conversation_id}",  # one conversation, whole
    "/api/v1/assistant/settings",  # the models and prompts that the settings and the product name
    "/v1/models",  # as OpenAI's clients expect it
}


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def is_list(document: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Whether the answer is a list of things, or holds one."""
    found = resolved(document, schema)
    inside = [found, *(resolved(document, inner) for inner in found.get("properties", {}).values())]
    arrays = [one for one in inside if one.get("type") == "array"]
    return any(resolved(document, one.get("items", {})).get("type") == "object" for one in arrays)


def test_every_list_comes_in_pages(product: TestClient) -> None:
    document: dict[str, Any] = product.get("/openapi.json").json()
    paged, whole = set[str](), set[str]()
    for path, item in document["paths"].items():
        content = item.get("get", {}).get("responses", {}).get("200", {}).get("content", {}).get("application/json", {})
        if not is_list(document, content.get("schema", {})):
            continue
        parameters = {parameter["name"] for parameter in item["get"].get("parameters", [])}
        answer = resolved(document, content["schema"])
        if {"cursor", "limit"} <= parameters and "next_cursor" in answer.get("properties", {}):
            paged.add(path)
        else:
            whole.add(path)
    assert len(paged) > 15
    assert whole == BOUNDED, (
        "take `cursor: Cursor` and `limit: Limit` (core_api.http.pagination), and answer with a Page"
    )
