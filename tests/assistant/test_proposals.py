"""What the assistant proposes: nothing happens before the person says so, then it happens once, with their rights."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from assistant.actions.reminders import ReminderSender
from core_api.auth.api_keys import create_api_key
from core_api.auth.permissions import Scope
from core_api.models import AuditEvent, MailMessage, Proposal, Reminder, SpaceMember, User, utcnow
from tests.assistant.conftest import Company

Ask = Callable[..., dict[str, Any]]
API = "/api/v1/assistant"


@pytest.fixture
def proposal(company: Company, ask: Ask) -> Callable[..., dict[str, Any]]:
    """Asks how to request leave, then for something to be done with the answer; gives the proposal."""

    def make(order: str, *, by: Any = None, answered: bool = True) -> dict[str, Any]:
        more = {"conversation_id": ask("How do I request leave?", by=by)["conversation_id"]} if answered else {}
        answer = ask(order, by=by, **more)
        assert not answer["abstained"]
        [made] = answer["proposals"]
        assert made["state"] == "open"
        assert made["summary"] in answer["answer"]
        return {**made, "conversation_id": answer["conversation_id"]}

    return make


def titles(company: Company) -> list[str]:
    return [document["title"] for document in company.owner.get("/api/v1/documents").json()["items"]]


def test_an_answer_is_saved_once_it_is_confirmed(company: Company, proposal: Callable[..., dict[str, Any]]) -> None:
    made = proposal("Save this in the Board space as “Leave in short”")
    assert "Leave in short" not in titles(company)
    done = company.owner.post(f"{API}/proposals/{made['id']}/confirm")
    assert done.status_code == 200, done.text
    assert done.json()["state"] == "done"
    document = company.owner.get(f"/api/v1{done.json()['result']}").json()
    assert (document["title"], document["space"]["id"]) == ("Leave in short", company.secret_space)
    file = company.owner.get(f"/api/v1{done.json()['result']}/file").text
    assert "fill in the absence form in HR Links" in file
    assert f"[Leave](/documents/{company.documents['Leave']}), version 1" in file
    again = company.owner.post(f"{API}/proposals/{made['id']}/confirm")
    assert (again.status_code, again.json()["code"]) == (409, "proposal_closed")
    assert titles(company).count("Leave in short") == 1
    with company.database.reading() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.target_id == made["id"])).one()
    assert (event.action, event.details["result"]) == ("proposal.confirmed", done.json()["result"])
    messages = company.owner.get(f"{API}/conversations/{made['conversation_id']}").json()["messages"]
    assert messages[-1]["answer"]["proposals"][0]["state"] == "done"
    company.owner.delete(f"/api/v1{done.json()['result']}")  # other tests ask about this space as well


@pytest.mark.parametrize("kept", [True, False])
def test_nothing_is_proposed_with_a_key_that_only_reads_or_where_nothing_is_kept(company: Company, kept: bool) -> None:
    scopes = [Scope.READ] if kept else list(Scope)
    owner_id = company.owner.get("/api/v1/users/me").json()["id"]
    with company.database.transaction() as session:
        _, secret = create_api_key(session, owner_id, "reads", scopes, timedelta(hours=1))
        before = session.scalar(select(func.count()).select_from(Proposal))
    order = "Remind me tomorrow at 9 to request leave"
    headers = {"Authorization": f"Bearer {secret}"}
    if kept:
        reply = company.owner.post(f"{API}/chat", json={"message": order}, headers=headers)
        assert reply.json()["proposals"] == []
    else:
        body = {"model": "nexus", "messages": [{"role": "user", "content": order}]}
        reply = company.owner.post("/v1/chat/completions", json=body, headers=headers)
    assert reply.status_code == 200, reply.text
    with company.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Proposal)) == before


def test_an_answer_is_added_to_a_document_that_is_written_here(
    company: Company, proposal: Callable[..., dict[str, Any]]
) -> None:
    document = company.write(company.secret_space, "Collected answers", "# Collected answers\n\nThe first line.\n")
    made = proposal("Add this to the document Collected answers")
    done = company.owner.post(f"{API}/proposals/{made['id']}/confirm")
    assert done.json()["result"] == f"/documents/{document}"
    text = company.owner.get(f"/api/v1/documents/{document}/file").text
    assert text.startswith("# Collected answers\n\nThe first line.\n\n")
    assert "absence form" in text
    company.owner.delete(f"/api/v1/documents/{document}")


def test_only_the_person_it_was_made_for_decides(company: Company, proposal: Callable[..., dict[str, Any]]) -> None:
    made = proposal("Save this as “Mine alone”")
    path = f"{API}/proposals/{made['id']}"
    assert company.colleague.post(f"{path}/confirm").status_code == 404
    assert company.colleague.delete(path).status_code == 404
    assert made["id"] not in str(company.colleague.get(f"{API}/proposals").json())
    assert made["id"] in str(company.owner.get(f"{API}/proposals").json())
    assert company.owner.delete(path).status_code == 204
    assert company.owner.post(f"{path}/confirm").status_code == 409
    assert "Mine alone" not in titles(company)


def test_it_expires(company: Company, proposal: Callable[..., dict[str, Any]]) -> None:
    made = proposal("Save this as “Too late”")
    with company.database.transaction() as session:
        session.execute(update(Proposal).where(Proposal.id == made["id"]).values(expires_at=utcnow()))
    assert company.owner.post(f"{API}/proposals/{made['id']}/confirm").status_code == 409
    assert "Too late" not in titles(company)


def test_rights_are_those_of_the_moment_of_confirming(
    company: Company, proposal: Callable[..., dict[str, Any]], ask: Ask
) -> None:
    refused = ask("Save this in the Company space", by=company.colleague)
    assert refused["proposals"] == []
    me = company.colleague.get("/api/v1/users/me").json()["id"]
    with company.database.transaction() as session:
        session.add(SpaceMember(space_id=company.secret_space, user_id=me, role="editor"))
    try:
        made = proposal("Save this in the Board space as “Intruder”", by=company.colleague)
    finally:
        with company.database.transaction() as session:
            session.delete(session.get_one(SpaceMember, (company.secret_space, me)))
    assert company.colleague.post(f"{API}/proposals/{made['id']}/confirm").status_code == 404
    assert "Intruder" not in titles(company)
    still = company.colleague.get(f"{API}/proposals").json()["items"]
    assert [one["id"] for one in still] == [made["id"]]  # what could not be done stays open


def test_a_reminder_is_told_of_once_after_its_time(company: Company, proposal: Callable[..., dict[str, Any]]) -> None:
    me = company.owner.get("/api/v1/users/me").json()["id"]
    with company.database.transaction() as session:
        user = session.get_one(User, me)
        user.email, user.email_verified_at, user.time_zone = "owner@example.com", utcnow(), "Asia/Seoul"
    made = proposal("Remind me tomorrow at 9:15 to send the report", answered=False)
    assert "09:15 (Asia/Seoul)" in made["summary"]
    assert company.owner.get(f"{API}/reminders").json()["items"] == []
    assert company.owner.post(f"{API}/proposals/{made['id']}/confirm").status_code == 200
    [reminder] = company.owner.get(f"{API}/reminders", params={"due": False}).json()["items"]
    assert (reminder["text"], reminder["due"], reminder["mail"]) == ("send the report", False, True)
    assert company.colleague.get(f"{API}/reminders").json()["items"] == []
    assert company.colleague.post(f"{API}/reminders/{reminder['id']}/seen").status_code == 404

    senders = [ReminderSender(company.settings, company.database, company.app.state.vault) for _ in range(2)]
    assert [sender.send_due() for sender in senders] == [0, 0]
    with company.database.transaction() as session:
        session.execute(update(Reminder).values(due_at=utcnow() - timedelta(minutes=1)))
    # The server's own sender may have been first: it is told of once all the same.
    for sender in senders:
        sender.send_due()
    with company.database.reading() as session:
        mails = session.scalars(select(MailMessage).where(MailMessage.recipient == "owner@example.com")).all()
    assert [mail.subject for mail in mails] == ["Reminder: send the report"]
    [due] = company.owner.get(f"{API}/reminders", params={"due": True}).json()["items"]
    assert due["mailed_at"] is not None
    assert company.owner.post(f"{API}/reminders/{due['id']}/seen").json()["due"] is False
    assert company.owner.get(f"{API}/reminders", params={"due": True}).json()["items"] == []
    assert company.owner.delete(f"{API}/reminders/{due['id']}").status_code == 204
    assert company.owner.get(f"{API}/reminders").json()["items"] == []
    [event] = company.owner.get("/api/v1/audit", params={"target_id": due["id"]}).json()["items"]
    assert (event["action"], event["details"]) == ("reminder.deleted", {}), "not what it was about"


def test_what_cannot_be_proposed_says_what_is_missing(company: Company, ask: Ask) -> None:
    for order, words in (
        ("Remind me to send the report", "Say when"),
        ("Save this as “Nothing”", "There is no answer in this conversation"),
    ):
        answer = ask(order)
        assert answer["proposals"] == []
        assert words in answer["answer"]
