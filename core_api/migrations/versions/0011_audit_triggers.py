"""The audit log refuses changes: rows are only added.

Revision: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_REFUSED = "The audit log is only added to: an event is neither changed nor deleted."
_SQLITE = (
    ("no_update", "BEFORE UPDATE ON audit_events"),
    ("no_delete", "BEFORE DELETE ON audit_events"),
    # INSERT OR REPLACE deletes without asking the trigger for that.
    ("no_replace", "BEFORE INSERT ON audit_events WHEN EXISTS (SELECT 1 FROM audit_events WHERE id = NEW.id)"),
)
_POSTGRESQL = (
    ("no_change", "BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW"),
    ("no_truncate", "BEFORE TRUNCATE ON audit_events FOR EACH STATEMENT"),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name, when in _SQLITE:
            op.execute(f"CREATE TRIGGER audit_events_{name} {when} BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END")
        return
    # Replaced: whoever drops all tables leaves the function.
    op.execute(
        "CREATE OR REPLACE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for name, when in _POSTGRESQL:
        op.execute(f"CREATE TRIGGER audit_events_{name} {when} EXECUTE FUNCTION audit_events_refuse()")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name, _ in _SQLITE:
            op.execute(f"DROP TRIGGER audit_events_{name}")
        return
    for name, _ in _POSTGRESQL:
        op.execute(f"DROP TRIGGER audit_events_{name} ON audit_events")
    op.execute("DROP FUNCTION audit_events_refuse()")
