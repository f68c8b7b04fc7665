"""Published versions, aliases and tags; how an execution was started and how often it was redriven."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("executions", sa.Column("published", sa.Integer))
    op.add_column("executions", sa.Column("alias", sa.Text))
    op.add_column("executions", sa.Column("redrives", sa.Integer, nullable=False, server_default="0"))
    op.add_column("executions", sa.Column("redriven_at", sa.BigInteger))
    for column, condition in (
        ("published", "published IS NOT NULL"),
        ("alias", "alias IS NOT NULL"),
        ("redrives", "redrives > 0"),
    ):
        where = sa.text(condition)
        op.create_index(
            f"executions_{column}",
            "executions",
            ["machine", column, "id"],
            sqlite_where=where,
            postgresql_where=where,
        )
    op.create_table(
        "releases",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    # The highest number ever given to a release: numbers of deleted ones are not given again.
    op.add_column("blueprints", sa.Column("released", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "aliases",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("alias", sa.Text, primary_key=True),
        sa.Column("description", sa.Text),
        sa.Column("routing", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "tags",
        sa.Column("resource", sa.Text, primary_key=True),
        sa.Column("tags", sa.Text, nullable=False),
    )


def downgrade() -> None:
    for table in ("tags", "aliases", "releases"):
        op.drop_table(table)
    for column in ("published", "alias", "redrives"):
        op.drop_index(f"executions_{column}", "executions")
    for column in ("published", "alias", "redrives", "redriven_at"):
        op.drop_column("executions", column)
    op.drop_column("blueprints", "released")
