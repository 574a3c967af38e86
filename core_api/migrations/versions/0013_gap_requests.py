"""Questions without an answer that somebody was asked to write down.

Revision: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gap_requests",
        sa.Column("gap_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("declined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["gap_id"], ["knowledge_gaps.id"], name=op.f("fk_gap_requests_gap_id_knowledge_gaps"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_gap_requests_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gap_requests")),
        sa.UniqueConstraint("gap_id", "user_id", name=op.f("uq_gap_requests_gap_id_user_id")),
    )
    op.create_index(op.f("ix_gap_requests_user_id"), "gap_requests", ["user_id"])


def downgrade() -> None:
    op.drop_table("gap_requests")
