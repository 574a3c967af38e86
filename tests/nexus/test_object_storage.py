"""The whole product with its files in S3, while the storage is there and while it is not."""

import io
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import select

from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.infra.storage import objects as object_store
from core_api.models import OutboxEvent, SystemRole
from nexus.owner import open_database
from nexus.server import build_app
from tests.core_api.accounts import browse, make_account
from tests.factories import make_space
from tests.services import ObjectStorage

API = "/api/v1"
HANDBOOK = b"# Parental leave\n\nParents stay at home for sixteen weeks with full pay."


@dataclass
class Product:
    """The product, and what is in its bucket."""

    client: TestClient
    database: Database
    settings: Settings
    s3: ObjectStorage
    bucket: str

    def objects(self) -> dict[str, bytes]:
        return self.s3.objects(self.bucket)

    def upload(self, space: str, name: str, content: bytes) -> Any:
        return self.client.post(f"{API}/documents/upload", data={"space_id": space}, files={"file": (name, content)})

    def status(self, document: str) -> str:
        return str(self.client.get(f"{API}/documents/{document}").json()["index"]["status"])

    def found(self, query: str) -> list[str]:
        hits = self.client.post(f"{API}/search", json={"query": query}).json()["hits"]
        return [hit["source"]["id"] for hit in hits]

    def waiting(self) -> list[str | None]:
        """What is said of the sources that are to be indexed."""
        with self.database.reading() as session:
            return list(session.scalars(select(OutboxEvent.last_error)))

    def forget_copies(self) -> None:
        """As on a machine that has not seen the files."""
        for path in self.settings.file_cache_dir.glob("??/*"):
            path.unlink()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, model_cache: Path, s3: ObjectStorage) -> Iterator[Product]:
    """The API with its indexes and ingestion; the client is signed in as an admin."""
    bucket = s3.make_bucket()
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("product"), models_cache=model_cache, log_level="error", **s3.settings(bucket)
    )
    database = open_database(settings)
    app = build_app(settings, database, web=False)
    with (
        pytest.MonkeyPatch.context() as patch,
        TestClient(app),  # the app runs meanwhile
    ):
        patch.setattr(object_store, "_AWAY_SECONDS", 0.0)
        app.state.engine.wait(300)
        make_account(database, role=SystemRole.ADMIN)
        yield Product(browse(app), database, settings, s3, bucket)
        s3.start()
    database.dispose()


@pytest.fixture
def space(product: Product) -> str:
    product.s3.start()
    return make_space(product.client)


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)


def picture() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (300, 300), "navy").save(target, "PNG")
    return target.getvalue()


def test_a_document_is_uploaded_indexed_downloaded_and_deleted(product: Product, space: str) -> None:
    response = product.upload(space, "leave.md", HANDBOOK)
    assert response.status_code == 201, response.text
    document = response.json()["document"]["id"]
    assert HANDBOOK in product.objects().values()
    assert not product.settings.files_dir.exists()
    until(lambda: product.status(document) == "indexed")
    assert product.found("how long may parents stay at home")[0] == document
    product.forget_copies()
    file = product.client.get(f"{API}/documents/{document}/file")
    assert (file.status_code, file.content) == (200, HANDBOOK)
    assert product.client.post(f"{API}/index/reconcile").json()["missing_files"] == 0
    assert product.client.delete(f"{API}/documents/{document}").status_code == 204
    assert product.client.get(f"{API}/documents/{document}/file").status_code == 404
    assert document not in product.found("how long may parents stay at home")


def test_pictures_and_exports_come_from_the_bucket(product: Product, space: str) -> None:
    me = f"{API}/users/me"
    before = set(product.objects())
    url = product.client.put(f"{me}/avatar", files={"file": ("me.png", picture())}).json()["avatar_url"]
    (made,) = set(product.objects()) - before
    plan = product.upload(space, "plan.txt", b"The plan.").json()["document"]["id"]
    until(lambda: product.status(plan) == "indexed")
    product.forget_copies()
    assert product.client.get(url).headers["content-type"] == "image/png"
    with zipfile.ZipFile(io.BytesIO(product.client.get(f"{me}/export").content)) as archive:
        content = {name.rpartition("/")[2]: archive.read(name) for name in archive.namelist()}
    assert content["plan.txt"] == b"The plan."
    assert content["avatar.png"] == product.objects()[made]
    assert product.client.delete(f"{me}/avatar").status_code == 204
    assert made not in product.objects()


def test_while_the_storage_is_away_nothing_is_half_done_and_the_rest_goes_on(product: Product, space: str) -> None:
    client, me = product.client, f"{API}/users/me"
    document = product.upload(space, "leave.md", HANDBOOK).json()["document"]["id"]
    client.put(f"{me}/avatar", files={"file": ("me.png", picture())})
    until(lambda: product.status(document) == "indexed")
    product.forget_copies()
    objects = product.objects()
    product.s3.stop()

    uploaded = product.upload(space, "new.md", b"# New\n\nWords.")
    written = client.post(f"{API}/documents", json={"space_id": space, "title": "New", "text": "Words."})
    pictured = client.put(f"{me}/avatar", files={"file": ("me.png", picture()[:-1] + b"x")})
    changed = client.patch(f"{API}/documents/{document}", json={"text": "Other words."})
    read = client.get(f"{API}/documents/{document}/file")
    exported = client.get(f"{me}/export")
    checked = client.post(f"{API}/index/reconcile")
    for response in (uploaded, written, pictured, changed, read, exported, checked):
        assert (response.status_code, response.json()["code"]) == (503, "storage_unavailable"), response.text
        assert response.headers["Retry-After"].isdigit()
        assert "NEXUS_STORAGE_ENDPOINT_URL" in response.json()["detail"]
    listed = client.get(f"{API}/documents", params={"space_id": space}).json()["items"]
    assert [(one["id"], one["version"]) for one in listed] == [(document, 1)]
    assert product.found("how long may parents stay at home")[0] == document
    assert client.get(f"{API}/documents/{document}/text").status_code == 200
    assert client.get("/health/ready").status_code == 200

    # A picture that cannot be removed now is taken away all the same; its file is left to reconciling.
    assert client.delete(f"{me}/avatar").status_code == 204
    assert client.get(me).json()["avatar_url"] is None

    # What has to be read again waits for the storage, and is no failure.
    client.post(f"{API}/index/reindex")
    until(lambda: any("cannot be reached" in (told or "") for told in product.waiting()))
    assert product.status(document) == "pending"
    product.s3.start()
    until(lambda: product.status(document) == "indexed")
    assert product.objects() == objects
    assert client.get(f"{API}/documents/{document}/file").content == HANDBOOK
    assert product.upload(space, "new.md", b"# New\n\nWords.").status_code == 201
