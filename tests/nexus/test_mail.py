"""Mail of the whole product, whose sender runs with it."""

import time
from email import message_from_bytes, policy

from fastapi.testclient import TestClient


def test_without_a_mail_server_a_new_persons_link_is_in_the_data_directory(product: TestClient) -> None:
    body = {"name": "Kim", "email": "kim.mail@example.com"}
    assert product.post("/api/v1/users", json=body).status_code == 201
    folder = product.app.state.settings.mail_dir  # type: ignore[attr-defined]
    deadline = time.monotonic() + 10
    while True:
        found = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in folder.glob("*.eml")]
        mine = [message for message in found if message["To"] == body["email"]]
        if mine:
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    shown = product.get("/api/v1/mail").json()["items"]
    assert any(message["recipient"] == body["email"] and "/reset?token=" in message["body"] for message in shown)
