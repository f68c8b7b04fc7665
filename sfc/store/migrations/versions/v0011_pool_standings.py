"""How blueprints stand with the scheduler: promoted or not, and how often executed lately."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pool_standings",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("standing", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("pool_standings")
