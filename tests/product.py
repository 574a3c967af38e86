"""The whole product, and its commands, in this process."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from core_api.infra.settings import Settings
from nexus import cli
from nexus.owner import open_database, owner_key
from nexus.server import build_app


@contextmanager
def running_product(settings: Settings, *, raise_server_exceptions: bool = True) -> Iterator[TestClient]:
    """The API of an installation with its indexes and ingestion; the client is signed in as the owner."""
    database = open_database(settings)
    app = build_app(settings, database, web=False)
    headers = {"Authorization": f"Bearer {owner_key(database, timedelta(hours=1), 'tests')}"}
    with TestClient(app, headers=headers, raise_server_exceptions=raise_server_exceptions) as client:
        app.state.engine.wait(300)
        yield client
    database.dispose()


def run_nexus(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the `nexus` command in this environment, in this process: starting one takes longer than what it does."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("NEXUS_")]:
            patch.delenv(name)
        for name, value in {**environment, "COLUMNS": "200"}.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["nexus", *arguments])
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as end:
            cli.main()
    code = end.value.code
    return subprocess.CompletedProcess(
        sys.argv, code if isinstance(code, int) else int(code is not None), out.getvalue(), err.getvalue()
    )
