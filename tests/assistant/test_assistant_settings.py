"""What an admin sets up holds from the next question on; what it takes is counted."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from core_api.models import AssistantSetting
from core_api.models.assistant import INSTALLATION
from tests.assistant.conftest import Company, client_with
from tests.assistant.llm_server import Calls, Endpoint, Says, llm_endpoint
from tests.assistant.test_llm import CHAT, Messages, passage_number
from tests.factories import bearer, make_user

pytestmark = pytest.mark.one_mode

SETTINGS = "/api/v1/assistant/settings"
CARD = "4111 1111 1111 1111"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with llm_endpoint() as running:
        yield running


@pytest.fixture
def configure(company: Company) -> Iterator[Callable[..., TestClient]]:
    """Sets options (of a space, where named), by an app that has models `tiny` and `large`; undone at the end."""
    spaces: list[str] = []

    def put(client: TestClient, space_id: str | None = None, **options: Any) -> dict[str, Any]:
        params = {"space_id": space_id} if space_id else {}
        spaces.extend([space_id] if space_id else [])
        response = client.put(SETTINGS, params=params, json=options)
        assert response.status_code == 200, response.text
        read: dict[str, Any] = response.json()
        return read

    yield put  # type: ignore[misc]
    for space_id in spaces:
        assert company.owner.delete(SETTINGS, params={"space_id": space_id}).status_code == 204
    assert company.owner.put(SETTINGS, json={}).status_code == 200


@pytest.fixture
def client(company: Company, endpoint: Endpoint) -> TestClient:
    return client_with(company, llm_base_url=endpoint.url, llm_models=["tiny", "large"])


def overtime(messages: Messages) -> Any:
    if messages[-1]["role"] == "user":
        return Calls(["overtime approval"])
    return Says(f"Mary Jones approves overtime in writing [{passage_number(messages, 'Mary Jones')}].")


def test_an_admin_chooses_the_model_and_the_prompt(
    client: TestClient, endpoint: Endpoint, configure: Callable[..., Any]
) -> None:
    endpoint.script = overtime
    read = client.get(SETTINGS).json()
    assert read["models"] == ["extractive", "tiny", "large"]
    assert (read["model"], read["endpoint"]) == ("extractive", True)
    assert {"name": "assistant_short", "version": 1} in read["prompts"]
    assert endpoint.url not in str(read)

    assert configure(client, model="large", prompt="assistant_short")["model"] == "large"
    reply = client.post(CHAT, json={"message": "Who approves overtime?"}).json()
    assert reply["model"] == "large"
    assert reply["prompts"]["assistant_short"] == 1
    assert [request["model"] for request in endpoint.requests] == ["large", "large"]
    kept = client.get(f"/api/v1/assistant/conversations/{reply['conversation_id']}").json()["messages"][-1]["answer"]
    assert (kept["usage"], kept["prompts"], kept["notice"]) == (reply["usage"], reply["prompts"], None)


def test_a_space_can_have_its_own_model_but_not_undo_masking(
    company: Company, client: TestClient, endpoint: Endpoint, configure: Callable[..., Any]
) -> None:
    endpoint.script = overtime
    configure(client, masking=True)
    configure(client, company.company_space, model="tiny", masking=False)
    question = "Who approves overtime? Mail boss@acme.example."

    def model_of(**scope: Any) -> str:
        model: str = client.post(CHAT, json={"message": question, **scope}).json()["model"]
        return model

    assert model_of() == "extractive"
    assert model_of(space_ids=[company.company_space, company.secret_space]) == "extractive"
    assert endpoint.requests == []
    assert model_of(space_ids=[company.company_space]) == "tiny"
    assert "boss@acme.example" not in str(endpoint.requests)
    own = client.get(SETTINGS, params={"space_id": company.company_space}).json()
    assert (own["own"], own["model"]) == (True, "tiny")


@pytest.mark.parametrize("own", [{"model": "extractive"}, {"model": "tiny", "masking": True}])
def test_what_protects_a_space_holds_in_every_question_that_may_draw_from_it(
    company: Company, client: TestClient, endpoint: Endpoint, configure: Callable[..., Any], own: dict[str, Any]
) -> None:
    mail = "boss@acme.example"
    endpoint.script = overtime
    configure(client, model="large")
    configure(client, company.secret_space, **own)
    both = [company.company_space, company.secret_space]
    scopes = [{}, {"space_ids": both}, {"document_ids": [company.documents["Project Aurora"]]}]
    for scope in [*scopes, {"space_ids": [company.secret_space]}]:
        assert client.post(CHAT, json={"message": f"Who approves overtime? Mail {mail}.", **scope}).status_code == 200
        assert mail not in str(endpoint.requests)
    assert bool(endpoint.requests) == (own["model"] != "extractive")

    # What was said before may be of that space, so a question that follows it is protected too.
    before = client.post(CHAT, json={"message": "When is the signing of Project Aurora?", "space_ids": both}).json()
    body = {"conversation_id": before["conversation_id"], "space_ids": [company.company_space]}
    assert client.post(CHAT, json={"message": f"Who approves overtime? {mail}", **body}).status_code == 200
    assert mail not in str(endpoint.requests)

    body = {"message": f"Who approves overtime? {mail}", "space_ids": [company.company_space]}
    assert client.post(CHAT, json=body).json()["model"] == "large"
    assert mail in str(endpoint.requests)


def test_one_document_shared_out_of_a_protected_space_is_protected_too(
    company: Company, endpoint: Endpoint, configure: Callable[..., Any]
) -> None:
    reader = make_user(company.database, "Reader")
    owner = client_with(company, llm_base_url=endpoint.url, llm_models=["large"])
    client = client_with(company, llm_base_url=endpoint.url, llm_models=["large"])
    client.headers.update(bearer(company.database, reader))
    endpoint.script = overtime
    configure(owner, model="large")
    configure(owner, company.secret_space, model="extractive")
    assert client.post(CHAT, json={"message": "Who approves overtime?"}).json()["model"] == "large"
    grants = f"/api/v1/documents/{company.documents['Project Aurora']}/grants"
    granted = company.owner.put(grants, json={"user_id": reader.user_id, "role": "viewer"})
    assert granted.is_success, granted.text
    assert client.post(CHAT, json={"message": "Who approves overtime?"}).json()["model"] == "extractive"


@pytest.mark.parametrize("of_space", [False, True])
def test_options_that_are_not_valid_any_more_let_nothing_out(
    company: Company, client: TestClient, endpoint: Endpoint, configure: Callable[..., Any], of_space: bool
) -> None:
    configure(client, model="large")
    if of_space:
        configure(client, company.secret_space, model="large")
    key = company.secret_space if of_space else INSTALLATION
    with company.database.transaction() as session:
        session.get_one(AssistantSetting, key).options = {"model": "large", "most_seconds": -1}
    reply = client.post(CHAT, json={"message": "Who approves overtime?"}).json()
    assert (reply["model"], endpoint.requests) == ("extractive", [])
    params = {"space_id": key} if of_space else {}
    read = client.get(SETTINGS, params=params).json()
    assert (read["model"], read["options"]["masking"]) == ("extractive", True)


def test_secrets_do_not_leave_and_come_back_in_the_answer(
    company: Company, client: TestClient, endpoint: Endpoint, configure: Callable[..., Any]
) -> None:
    document = company.write(company.company_space, "Travel", f"# Travel\n\nHotels are paid with card {CARD}.")
    company.settle()
    seen: list[str] = []

    def script(messages: Messages) -> Any:
        if messages[-1]["role"] == "user":
            seen.append(messages[-1]["content"])
            return Calls([messages[-1]["content"]])
        return Says(f"Hotels are paid with card {{CARD_1}} [{passage_number(messages, 'Hotels')}].")

    endpoint.script = script
    configure(client, model="tiny", masking=True)
    reply = client.post(CHAT, json={"message": f"Which hotels are paid with {CARD}?"}).json()
    assert CARD not in str(endpoint.requests)
    assert seen == ["Which hotels are paid with {CARD_1}?"]
    assert reply["answer"] == f"Hotels are paid with card {CARD}. [1]"
    assert reply["citations"][0]["verified"]
    assert company.owner.delete(f"/api/v1/documents/{document}").status_code == 204


def test_a_long_conversation_is_shortened_for_the_model(
    client: TestClient, endpoint: Endpoint, configure: Callable[..., Any]
) -> None:
    endpoint.script = lambda messages: Says("NOT_FOUND")
    configure(client, model="tiny", context_tokens=2_000)
    conversation = None
    for n in range(4):
        body = {"message": f"Question {n}? " + "word " * 700, "conversation_id": conversation}
        conversation = client.post(CHAT, json=body).json()["conversation_id"]
    sent = endpoint.requests[-1]["messages"]
    assert [message["role"] for message in sent] == ["system", "user"]
    assert sum(len(message["content"]) for message in sent) < 2_000 * 4.2
    assert "asked: Question 2? word" in sent[1]["content"]
    assert "Question 3? word" in sent[1]["content"]


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"model": "gpt-nobody"}, 422),
        ({"prompt": "passage"}, 422),
        ({"most_model_calls": 0}, 422),
        ({"most_seconds": 10**400}, 422),
        ({"llm_base_url": "http://evil.example"}, 422),
        ({"unsupported": "believe"}, 422),
    ],
)
def test_what_cannot_be_chosen_is_refused(company: Company, options: dict[str, Any], status: int) -> None:
    assert company.owner.put(SETTINGS, json=options).status_code == status


def test_the_cost_is_limited_only_where_a_price_is_known(
    company: Company, client: TestClient, endpoint: Endpoint, configure: Callable[..., Any]
) -> None:
    # Sentences of the sources cost nothing.
    assert configure(client, most_cost=1)["limits_cost"]
    for space_id in (None, company.company_space):
        params = {"space_id": space_id} if space_id else {}
        refused = client.put(SETTINGS, params=params, json={"model": "large", "most_cost": 1})
        problem = refused.json()
        assert (refused.status_code, problem["code"]) == (422, "option_refused")
        assert [error["field"] for error in problem["errors"]] == ["most_cost"]
        assert "'large'" in problem["detail"]
        assert "NEXUS_LLM_PRICES" in problem["detail"]
    assert client.get(SETTINGS).json()["options"]["model"] is None

    models = {"llm_base_url": endpoint.url, "llm_models": ["tiny", "large"]}
    priced = client_with(company, **models, llm_prices={"large": (0, 0)})
    assert configure(priced, company.company_space, model="large", most_cost=1)["limits_cost"]
    assert configure(client_with(company, **models, llm_prices={"*": (1, 1)}), model="tiny", most_cost=1)["limits_cost"]
    # The price goes away: it is said, and the question answered.
    endpoint.script = overtime
    with capture_logs() as logs:
        assert client.post(CHAT, json={"message": "Who approves overtime?"}).json()["model"] == "tiny"
    assert [entry["model"] for entry in logs if entry["event"] == "cost_not_limited"] == ["tiny"]
    assert not client.get(SETTINGS).json()["limits_cost"]


def test_only_those_who_set_it_up_may_and_it_is_written_down(company: Company, configure: Callable[..., Any]) -> None:
    for path in (SETTINGS, "/api/v1/assistant/usage"):
        assert company.colleague.get(path).status_code == 403
    assert company.colleague.put(SETTINGS, json={}).status_code == 403
    assert company.owner.put(SETTINGS, params={"space_id": "nowhere"}, json={}).status_code == 404
    configure(company.owner, most_seconds=33)
    event = company.owner.get("/api/v1/audit", params={"action": "assistant.settings_changed"}).json()["items"][0]
    assert event["details"]["changed"] == {"most_seconds": [120, 33]}


def test_what_is_taken_is_summed_by_day_person_and_model(
    company: Company, client: TestClient, endpoint: Endpoint, configure: Callable[..., Any]
) -> None:
    endpoint.script = overtime
    configure(client, model="large")

    def sums() -> dict[str, int]:
        rows = company.owner.get("/api/v1/assistant/usage", params={"limit": 200}).json()["items"]
        found = [row for row in rows if row["model"] == "large"]
        return {name: sum(row[name] for row in found) for name in ("answers", "model_calls", "input_tokens")}

    before = sums()
    for _ in range(2):
        assert client.post(CHAT, json={"message": "Who approves overtime?"}).status_code == 200
    after = sums()
    assert {name: after[name] - before[name] for name in after} == {
        "answers": 2,
        "model_calls": 4,
        "input_tokens": 400,
    }
    page = company.owner.get("/api/v1/assistant/usage", params={"limit": 1}).json()
    more = company.owner.get("/api/v1/assistant/usage", params={"limit": 1, "cursor": page["next_cursor"]})
    assert more.status_code == 200
    assert more.json()["items"] != page["items"]
    assert company.owner.get("/api/v1/assistant/usage", params={"until": "2000-01-01"}).json()["items"] == []
