"""What tasks wait for: child executions, workers of activities. The secret that task tokens are made with."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "children",
        sa.Column("child", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("parent", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("task", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("attempt", sa.BigInteger, primary_key=True, autoincrement=False),
    )
    op.create_index("children_parent", "children", ["parent", "task", "attempt"])
    op.create_table(
        "activity_tasks",
        sa.Column("activity", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("execution", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("task", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("attempt", sa.BigInteger, nullable=False),
    )
    op.create_index("activity_tasks_execution", "activity_tasks", ["execution", "task"])
    op.create_table(
        "activities",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
    )
    op.create_table(
        "keys",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    for table in ("keys", "activities", "activity_tasks", "children"):
        op.drop_table(table)
