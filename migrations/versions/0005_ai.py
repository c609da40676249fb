"""Calls to providers of AI, and the answers that were paid for."""

import sqlalchemy as sa
from alembic import op

from igny8.tenancy import protect

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('ai_call',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('job_id', sa.Uuid(), nullable=False),
    sa.Column('step_key', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), server_default='STARTED', nullable=False),
    sa.Column('provider', sa.Text(), nullable=False),
    sa.Column('model', sa.Text(), nullable=False),
    sa.Column('key_owner', sa.Text(), nullable=False),
    sa.Column('repairs', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('tokens_input', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('tokens_output', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('images', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('cost_usd', sa.Numeric(precision=12, scale=6), nullable=True),
    sa.Column('answer', sa.LargeBinary(), nullable=True),
    sa.Column('begun_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("key_owner IN ('ACCOUNT', 'SERVER')", name=op.f('ck_ai_call_key_owner')),
    sa.CheckConstraint("provider IN ('OPENAI', 'RUNWARE')", name=op.f('ck_ai_call_provider')),
    sa.CheckConstraint("state IN ('STARTED', 'STORED', 'FAILED', 'ABANDONED')", name=op.f('ck_ai_call_state')),
    sa.CheckConstraint("state <> 'STORED' OR ended_at IS NOT NULL", name=op.f('ck_ai_call_ended')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_ai_call_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_ai_call'))
    )
    op.create_index('ix_ai_call_server_spending', 'ai_call', ['begun_at'], unique=False, postgresql_where=sa.text("key_owner = 'SERVER'"))
    op.create_index('ix_ai_call_step', 'ai_call', ['account_id', 'job_id', 'step_key'], unique=False)
    op.create_index('uq_ai_call_stored', 'ai_call', ['account_id', 'job_id', 'step_key'], unique=True, postgresql_where=sa.text("state = 'STORED'"))
    protect('ai_call', app='SELECT, INSERT, UPDATE', system='SELECT, UPDATE, DELETE')


def downgrade() -> None:
    op.drop_index('uq_ai_call_stored', table_name='ai_call')
    op.drop_index('ix_ai_call_step', table_name='ai_call')
    op.drop_index('ix_ai_call_server_spending', table_name='ai_call')
    op.drop_table('ai_call')
