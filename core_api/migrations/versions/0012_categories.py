"""A document's category, and whether a person chose it and the tags or the document's own metadata did.

Revision: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("documents", sa.Column("category", sa.String(length=64), nullable=True))
    op.add_column("documents", sa.Column("category_given", sa.Boolean(), nullable=False, server_default=sa.false()))
    # Processes of the version before, which run until they are replaced, do not say who chose the tags that they write:
    # a person did.
    op.add_column("documents", sa.Column("tags_given", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.execute("UPDATE documents SET tags_given = false WHERE CAST(tags AS TEXT) = '[]'")


def downgrade() -> None:
    # Not as a batch, which would copy the table: SQLite drops these columns by itself.
    for column in ("tags_given", "category_given", "category"):
        op.drop_column("documents", column)
