"""Conversations that are shared and scoped, and what people say about answers.

Revision: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("scope", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("conversations") as conversations:
        conversations.alter_column("scope", server_default=None)
    op.create_index(op.f("ix_conversations_updated_at"), "conversations", ["updated_at"])
    op.create_table(
        "conversation_shares",
        sa.Column("conversation_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("team_id", sa.String(length=36), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(user_id IS NULL) <> (team_id IS NULL)", name=op.f("ck_conversation_shares_one_reader")),
        _reference("conversation_shares", "conversation_id", "conversations", "CASCADE"),
        _reference("conversation_shares", "user_id", "users", "CASCADE"),
        _reference("conversation_shares", "team_id", "teams", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation_shares")),
    )
    for column in ("conversation_id", "user_id", "team_id"):
        op.create_index(op.f(f"ix_conversation_shares_{column}"), "conversation_shares", [column])
    for reader in ("user", "team"):
        op.create_index(
            f"uq_conversation_shares_{reader}",
            "conversation_shares",
            ["conversation_id", f"{reader}_id"],
            unique=True,
            sqlite_where=sa.text(f"{reader}_id IS NOT NULL"),
            postgresql_where=sa.text(f"{reader}_id IS NOT NULL"),
        )
    op.create_table(
        "answer_feedback",
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("helpful", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reviewed_by", sa.String(length=36), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _reference("answer_feedback", "message_id", "conversation_messages", "CASCADE"),
        _reference("answer_feedback", "user_id", "users", "CASCADE"),
        _reference("answer_feedback", "reviewed_by", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_feedback")),
        sa.UniqueConstraint("message_id", name=op.f("uq_answer_feedback_message_id")),
    )
    op.create_index(op.f("ix_answer_feedback_user_id"), "answer_feedback", ["user_id"])
    op.create_table(
        "golden_questions",
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("document_ids", sa.JSON(), nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=True),
        sa.Column("reviewed_by", sa.String(length=36), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _reference("golden_questions", "message_id", "conversation_messages", "SET NULL"),
        _reference("golden_questions", "reviewed_by", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_golden_questions")),
        sa.UniqueConstraint("message_id", name=op.f("uq_golden_questions_message_id")),
    )
    op.create_table(
        "knowledge_gaps",
        sa.Column("message_id", sa.String(length=36), nullable=True),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("closed_by", sa.String(length=36), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _reference("knowledge_gaps", "message_id", "conversation_messages", "SET NULL"),
        _reference("knowledge_gaps", "user_id", "users", "CASCADE"),
        _reference("knowledge_gaps", "closed_by", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_knowledge_gaps")),
        sa.UniqueConstraint("message_id", name=op.f("uq_knowledge_gaps_message_id")),
    )
    for column in ("user_id", "status"):
        op.create_index(op.f(f"ix_knowledge_gaps_{column}"), "knowledge_gaps", [column])


def downgrade() -> None:
    for table in ("knowledge_gaps", "golden_questions", "answer_feedback", "conversation_shares"):
        op.drop_table(table)
    op.drop_index(op.f("ix_conversations_updated_at"), "conversations")
    with op.batch_alter_table("conversations") as conversations:
        conversations.drop_column("scope")


def _reference(table: str, column: str, to: str, on_delete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete=on_delete)
