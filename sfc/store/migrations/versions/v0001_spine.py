"""Shards, executions, their journal, and the catalog of state machines."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite numbers rows itself only in an INTEGER PRIMARY KEY.
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "shards",
        sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("owner", sa.Text),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("next", sa.BigInteger, nullable=False),
        sa.Column("batch", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "executions",
        sa.Column("id", KEY, primary_key=True, autoincrement=False),
        sa.Column("shard", sa.SmallInteger, nullable=False),
        sa.Column("machine", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("stopped_at", sa.BigInteger),
        sa.Column("wake_at", sa.BigInteger),
        sa.Column("error", sa.Text),
        sa.Column("cause", sa.Text),
        sa.Column("output", sa.LargeBinary),
    )
    standard = sa.text("kind = 'STANDARD'")
    op.create_index(
        "executions_name",
        "executions",
        ["machine", "name"],
        unique=True,
        sqlite_where=standard,
        postgresql_where=standard,
    )
    waiting = sa.text("wake_at IS NOT NULL")
    op.create_index(
        "executions_wake", "executions", ["shard", "wake_at", "id"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_index("executions_machine", "executions", ["machine", "id"])
    op.create_index("executions_machine_status", "executions", ["machine", "status", "id"])
    op.create_index("executions_status", "executions", ["status", "id"])
    op.create_table(
        "journal",
        sa.Column("position", KEY, primary_key=True, autoincrement=False),
        sa.Column("execution", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("task", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.BigInteger, nullable=False),
        sa.Column("began", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.BigInteger, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_index("journal_execution", "journal", ["execution", "position"])
    op.create_table(
        "blueprints",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("deleting", sa.Boolean, nullable=False),
    )
    op.create_table(
        "versions",
        sa.Column("id", KEY, primary_key=True, autoincrement=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("role_arn", sa.Text, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("revision_id", sa.Text, nullable=False),
        sa.UniqueConstraint("name", "number"),
        sqlite_autoincrement=True,  # executions name their version for good: an id is never given twice
    )


def downgrade() -> None:
    for table in ("versions", "blueprints", "journal", "executions", "shards"):
        op.drop_table(table)
