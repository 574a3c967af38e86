"""Which embedding model is active, and the change to another.

Revision: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "index_models",
        sa.Column("model", sa.String(length=500), nullable=False),
        sa.Column("revision", sa.String(length=200), nullable=True),
        sa.Column("precision", sa.String(length=8), nullable=False),
        sa.Column("endpoint", sa.Boolean(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("dimensions", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_index_models")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_index_models_fingerprint")),
    )
    op.create_table(
        "model_changes",
        sa.Column("model_id", sa.String(length=36), nullable=False),
        sa.Column("previous_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("rate", sa.Double(), nullable=True),
        sa.Column("gate", sa.JSON(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("builder", sa.String(length=36), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("flipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["index_models.id"], name=op.f("fk_model_changes_model_id_index_models")),
        sa.ForeignKeyConstraint(
            ["previous_id"], ["index_models.id"], name=op.f("fk_model_changes_previous_id_index_models")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_changes")),
    )
    active = op.create_table(
        "active_model",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("model_id", sa.String(length=36), nullable=True),
        sa.Column("change_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["model_id"], ["index_models.id"], name=op.f("fk_active_model_model_id_index_models")),
        sa.ForeignKeyConstraint(
            ["change_id"], ["model_changes.id"], name=op.f("fk_active_model_change_id_model_changes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_active_model")),
    )
    op.bulk_insert(active, [{"id": 1, "model_id": None, "change_id": None}])
    op.create_table(
        "model_sources",
        sa.Column("model_id", sa.String(length=36), nullable=False),
        sa.Column("source_kind", sa.String(length=32), nullable=False),
        sa.Column("source_id", sa.String(length=36), nullable=False),
        sa.Column("space_id", sa.String(length=36), nullable=False),
        sa.Column("chunk_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"],
            ["index_models.id"],
            name=op.f("fk_model_sources_model_id_index_models"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("model_id", "source_kind", "source_id", name=op.f("pk_model_sources")),
    )


def downgrade() -> None:
    for table in ("model_sources", "active_model", "model_changes", "index_models"):
        op.drop_table(table)
