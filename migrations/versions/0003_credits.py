"""Holds, numbered entries of the ledger, the log of usage, and prices."""

import sqlalchemy as sa
from alembic import op

from igny8.login_roles import quoted
from igny8.tenancy import ACCOUNT, protect, publish, role_names

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

_OPERATIONS = "'CLUSTERING', 'IDEA_GENERATION', 'CONTENT_GENERATION', 'IMAGE_PROMPT_EXTRACTION', 'IMAGE_GENERATION', 'LINKING', 'OPTIMIZATION', 'SITE_STRUCTURE_GENERATION', 'SITE_PAGE_GENERATION'"

_PRICES = [
    ('CLUSTERING', 10, 'PER_REQUEST'),
    ('IDEA_GENERATION', 15, 'PER_ITEM'),
    ('CONTENT_GENERATION', 1, 'PER_100_WORDS'),
    ('IMAGE_PROMPT_EXTRACTION', 2, 'PER_ITEM'),
    ('IMAGE_GENERATION', 5, 'PER_ITEM'),
    ('LINKING', 8, 'PER_ITEM'),
    ('OPTIMIZATION', 1, 'PER_200_WORDS'),
    ('SITE_STRUCTURE_GENERATION', 50, 'PER_ITEM'),
    ('SITE_PAGE_GENERATION', 20, 'PER_ITEM'),
]


def upgrade() -> None:
    op.create_table('credit_hold',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('job_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Text(), server_default='PENDING', nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('captured', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('PENDING', 'CAPTURED', 'RELEASED')", name=op.f('ck_credit_hold_state')),
    sa.CheckConstraint('amount > 0 AND captured BETWEEN 0 AND amount', name=op.f('ck_credit_hold_amount')),
    sa.CheckConstraint("(state = 'CAPTURED') = (captured > 0)", name=op.f('ck_credit_hold_captured')),
    sa.CheckConstraint("(state = 'PENDING') = (settled_at IS NULL)", name=op.f('ck_credit_hold_settled_at')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_credit_hold_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'job_id', name=op.f('pk_credit_hold'))
    )
    op.create_index('ix_credit_hold_pending', 'credit_hold', ['account_id', 'created_at'], unique=False, postgresql_where=sa.text("state = 'PENDING'"))
    prices = op.create_table('credit_price',
    sa.Column('operation_type', sa.Text(), nullable=False),
    sa.Column('credits', sa.Integer(), nullable=False),
    sa.Column('unit', sa.Text(), nullable=False),
    sa.CheckConstraint(f'operation_type IN ({_OPERATIONS})', name=op.f('ck_credit_price_operation_type')),
    sa.CheckConstraint("unit IN ('PER_REQUEST', 'PER_ITEM', 'PER_100_WORDS', 'PER_200_WORDS')", name=op.f('ck_credit_price_unit')),
    sa.CheckConstraint('credits >= 0', name=op.f('ck_credit_price_credits')),
    sa.PrimaryKeyConstraint('operation_type', name=op.f('pk_credit_price'))
    )
    op.bulk_insert(prices, [dict(zip(('operation_type', 'credits', 'unit'), price)) for price in _PRICES])
    op.create_table('credit_usage',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('operation_type', sa.Text(), nullable=False),
    sa.Column('credits_used', sa.BigInteger(), nullable=False),
    sa.Column('cost_usd', sa.Numeric(precision=12, scale=6), nullable=True),
    sa.Column('provider', sa.Text(), nullable=True),
    sa.Column('model', sa.Text(), nullable=True),
    sa.Column('tokens_input', sa.BigInteger(), nullable=True),
    sa.Column('tokens_output', sa.BigInteger(), nullable=True),
    sa.Column('job_id', sa.Uuid(), nullable=True),
    sa.Column('site_id', sa.Uuid(), nullable=True),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint(f'operation_type IN ({_OPERATIONS})', name=op.f('ck_credit_usage_operation_type')),
    sa.CheckConstraint('credits_used >= 0', name=op.f('ck_credit_usage_credits_used')),
    sa.CheckConstraint('cost_usd >= 0', name=op.f('ck_credit_usage_cost_usd')),
    sa.CheckConstraint('tokens_input >= 0 AND tokens_output >= 0', name=op.f('ck_credit_usage_tokens')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_credit_usage_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_credit_usage'))
    )
    op.create_index('ix_credit_usage_created_at', 'credit_usage', ['account_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_credit_usage_job_id', 'credit_usage', ['account_id', 'job_id'], unique=False)
    op.create_index('ix_credit_usage_site_id', 'credit_usage', ['account_id', 'site_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.add_column('wallet', sa.Column('entries', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    op.add_column('credit_entry', sa.Column('number', sa.BigInteger(), nullable=True))
    op.add_column('credit_entry', sa.Column('job_id', sa.Uuid(), nullable=True))
    _number_entries()
    op.alter_column('credit_entry', 'number', nullable=False)
    op.create_index('uq_credit_entry_number', 'credit_entry', ['account_id', 'number'], unique=True)
    op.create_check_constraint(op.f('ck_credit_entry_job_id'), 'credit_entry', "(transaction_type = 'DEDUCTION') = (job_id IS NOT NULL)")
    _raise_walls()


def downgrade() -> None:
    member = role_names().member
    for table in ('credit_entry', 'wallet'):
        op.execute(f"DROP POLICY {quoted(f'{table}_{member}')} ON {table}")
        op.execute(f'REVOKE ALL ON {table} FROM {quoted(member)}')
    op.drop_constraint(op.f('ck_credit_entry_job_id'), 'credit_entry')
    op.drop_index('uq_credit_entry_number', table_name='credit_entry')
    op.drop_column('credit_entry', 'job_id')
    op.drop_column('credit_entry', 'number')
    op.drop_column('wallet', 'entries')
    op.drop_index('ix_credit_usage_site_id', table_name='credit_usage')
    op.drop_index('ix_credit_usage_job_id', table_name='credit_usage')
    op.drop_index('ix_credit_usage_created_at', table_name='credit_usage')
    op.drop_table('credit_usage')
    op.drop_table('credit_price')
    op.drop_index('ix_credit_hold_pending', table_name='credit_hold', postgresql_where=sa.text("state = 'PENDING'"))
    op.drop_table('credit_hold')


def _number_entries() -> None:
    # So far there are grants alone, each of them above zero: the balance after them is their order.
    op.execute("""
        UPDATE credit_entry e SET number = o.number FROM (
            SELECT account_id, id, row_number() OVER (PARTITION BY account_id ORDER BY balance_after) AS number
            FROM credit_entry
        ) o WHERE e.account_id = o.account_id AND e.id = o.id
    """)
    op.execute("""
        UPDATE wallet w SET entries = o.entries
        FROM (SELECT account_id, count(*) AS entries FROM credit_entry GROUP BY account_id) o
        WHERE w.account_id = o.account_id
    """)


def _raise_walls() -> None:
    settles = "SELECT, INSERT, UPDATE (state, captured, settled_at)"
    protect("credit_hold", app=settles, member=settles, system=settles)
    protect("credit_usage", app="SELECT, INSERT", system="SELECT, INSERT")
    publish("credit_price")
    # Who may start work spends credits, editors included: they hold, and settle what they cancel.
    _let_members("wallet", "SELECT, UPDATE (balance, held, entries)")
    _let_members("credit_entry", "INSERT", writes="transaction_type = 'DEDUCTION'")


def _let_members(table: str, privileges: str, *, writes: str | None = None) -> None:
    member = role_names().member
    own = f"account_id = {ACCOUNT}"
    check = f"{own} AND {writes}" if writes else own
    op.execute(
        f"CREATE POLICY {quoted(f'{table}_{member}')} ON {table} TO {quoted(member)} USING ({own}) WITH CHECK ({check})"
    )
    op.execute(f"GRANT {privileges} ON {table} TO {quoted(member)}")
