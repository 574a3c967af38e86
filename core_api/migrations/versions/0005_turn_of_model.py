"""A turn of the embedding model that waits, and up to where its vectors are built.

Revision: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("model_changes", sa.Column("build_to", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("model_changes", sa.Column("turning_until", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("model_changes") as changes:
        changes.alter_column("build_to", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("model_changes") as changes:
        changes.drop_column("turning_until")
        changes.drop_column("build_to")
