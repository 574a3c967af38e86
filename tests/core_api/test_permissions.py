"""The permissions, and their page in the docs."""

from itertools import pairwise
from pathlib import Path

import pytest

from core_api.auth.permissions import (
    DESCRIPTIONS,
    ROLE_PERMISSIONS,
    SCOPE_PERMISSIONS,
    Permission,
    Scope,
    permissions_of,
    roles_table,
    scopes_table,
)
from core_api.models import SystemRole


@pytest.mark.parametrize("table", [roles_table, scopes_table])
def test_the_docs_show_the_tables_of_the_code(table: object) -> None:
    docs = Path(__file__).parents[2] / "docs" / "permissions.md"
    text = table()  # type: ignore[operator]
    assert text in docs.read_text(), f"put this into docs/permissions.md:\n\n{text}\n"


def test_every_permission_is_described_and_each_role_has_those_of_the_one_below() -> None:
    assert set(DESCRIPTIONS) == set(Permission)
    roles = [ROLE_PERMISSIONS[role] for role in reversed(SystemRole)]
    assert all(lower < higher for lower, higher in pairwise(roles))


def test_a_key_never_allows_more_than_its_owner_and_never_manages_the_account() -> None:
    assert Permission.ACCOUNT_MANAGE not in frozenset().union(*SCOPE_PERMISSIONS.values())
    for role in SystemRole:
        assert permissions_of(role, list(Scope)) == ROLE_PERMISSIONS[role] - {Permission.ACCOUNT_MANAGE}
        assert permissions_of(role, []) == frozenset()
