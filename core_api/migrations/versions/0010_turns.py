"""What decides whose turn an event is: its space, and whether somebody waits for an edit.

Revision: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox_events", sa.Column("space_id", sa.String(length=36), nullable=True))
    op.add_column("outbox_events", sa.Column("edit", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(op.f("ix_outbox_events_edit"), "outbox_events", ["edit", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_outbox_events_edit"), "outbox_events")
    with op.batch_alter_table("outbox_events") as events:
        events.drop_column("edit")
        events.drop_column("space_id")
