"""When blueprints and groups were paused."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pauses",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("paused_at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("resumed_at", sa.BigInteger),
        sa.Column("drained_at", sa.BigInteger),
        sa.Column("rate", sa.Float),
    )


def downgrade() -> None:
    op.drop_table("pauses")
