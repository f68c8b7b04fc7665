"""How far topics were read, and the records that could not be used."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# SQLite numbers rows itself only in an INTEGER PRIMARY KEY.
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "positions",
        sa.Column("feed", sa.Text, primary_key=True),
        sa.Column("topic_id", sa.Text, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("next", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "dead_letters",
        sa.Column("id", KEY, primary_key=True, autoincrement=True),
        sa.Column("feed", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("topic_id", sa.Text, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("record", sa.LargeBinary, nullable=False),
        sa.Column("published_at", sa.BigInteger),
        sqlite_autoincrement=True,  # people replay and drop them by these numbers: none is given twice
    )
    op.create_index("dead_letters_feed", "dead_letters", ["feed", "id"])
    op.create_index("dead_letters_unpublished", "dead_letters", ["id"], sqlite_where=sa.text("published_at IS NULL"))


def downgrade() -> None:
    op.drop_table("dead_letters")
    op.drop_table("positions")
