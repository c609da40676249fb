"""Accounts, people, sites, sectors, plans, the wallet, and the log of changes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from igny8.login_roles import quoted
from igny8.tenancy import RoleNames, count_rows, protect, publish, role_names

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('account',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('is_system', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("status IN ('TRIAL', 'ACTIVE', 'SUSPENDED', 'CANCELLED')", name=op.f('ck_account_status')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account')),
    sa.UniqueConstraint('slug', name=op.f('uq_account_slug'))
    )
    op.create_index('uq_account_is_system', 'account', ['is_system'], unique=True, postgresql_where=sa.text('is_system'))
    op.create_table('industry',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_industry')),
    sa.UniqueConstraint('slug', name=op.f('uq_industry_slug'))
    )
    op.create_table('plan',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('price', sa.Numeric(precision=12, scale=2), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('billing_cycle', sa.Text(), nullable=False),
    sa.Column('included_credits', sa.Integer(), nullable=False),
    sa.Column('limits', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('features', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('is_default', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("billing_cycle IN ('MONTHLY', 'ANNUAL')", name=op.f('ck_plan_billing_cycle')),
    sa.CheckConstraint('price >= 0', name=op.f('ck_plan_price')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plan')),
    sa.UniqueConstraint('slug', name=op.f('uq_plan_slug'))
    )
    op.create_index('uq_plan_default', 'plan', ['is_default'], unique=True, postgresql_where=sa.text('is_default'))
    op.create_table('app_user',
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('email_key', sa.Text(), nullable=False),
    sa.Column('email_verified', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('last_signed_in_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("role IN ('DEVELOPER', 'OWNER', 'ADMIN', 'EDITOR', 'VIEWER', 'SYSTEM_BOT')", name=op.f('ck_app_user_role')),
    sa.CheckConstraint("status IN ('INVITED', 'ACTIVE', 'DISABLED')", name=op.f('ck_app_user_status')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_app_user_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_app_user'))
    )
    op.create_index('ix_app_user_created_at', 'app_user', ['account_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_app_user_signin', 'app_user', ['email_key'], unique=False)
    op.create_index('uq_app_user_email_key', 'app_user', ['account_id', 'email_key'], unique=True)
    op.create_index('uq_app_user_owner', 'app_user', ['account_id'], unique=True, postgresql_where=sa.text("role = 'OWNER'"))
    op.create_table('change',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('scope_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=True),
    sa.Column('cursor', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('node_type', sa.Text(), nullable=False),
    sa.Column('node_ids', postgresql.ARRAY(sa.Uuid()), nullable=False),
    sa.Column('action', sa.Text(), nullable=True),
    sa.Column('details', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('actor_id', sa.Uuid(), nullable=True),
    sa.Column('request_id', sa.Text(), nullable=False),
    sa.Column('ip_address', sa.Text(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("kind IN ('CREATED', 'UPDATED', 'DELETED')", name=op.f('ck_change_kind')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_change_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_change'))
    )
    op.create_index('uq_change_cursor', 'change', ['account_id', 'scope_id', 'cursor'], unique=True)
    op.create_table('change_counter',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('scope_id', sa.Uuid(), nullable=False),
    sa.Column('value', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_change_counter_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'scope_id', name=op.f('pk_change_counter'))
    )
    op.create_table('credit_entry',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('transaction_type', sa.Text(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('balance_after', sa.BigInteger(), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("transaction_type IN ('PURCHASE', 'SUBSCRIPTION', 'REFUND', 'DEDUCTION', 'ADJUSTMENT')", name=op.f('ck_credit_entry_transaction_type')),
    sa.CheckConstraint('amount <> 0', name=op.f('ck_credit_entry_amount')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_credit_entry_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_credit_entry'))
    )
    op.create_index('uq_credit_entry_key', 'credit_entry', ['account_id', 'key'], unique=True)
    op.create_table('idempotency_key',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('input_digest', sa.LargeBinary(), nullable=False),
    sa.Column('answer', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_idempotency_key_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'key', name=op.f('pk_idempotency_key'))
    )
    op.create_table('industry_sector',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('industry_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['industry_id'], ['industry.id'], name=op.f('fk_industry_sector_industry_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_industry_sector')),
    sa.UniqueConstraint('industry_id', 'slug', name=op.f('uq_industry_sector_industry_id_slug'))
    )
    op.create_table('limit_usage',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('limit', sa.Text(), nullable=False),
    sa.Column('used', sa.Integer(), nullable=False),
    sa.CheckConstraint('used >= 0', name=op.f('ck_limit_usage_used')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_limit_usage_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'limit', name=op.f('pk_limit_usage'))
    )
    op.create_table('mail',
    sa.Column('recipient', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=True),
    sa.Column('attempts', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('next_attempt_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_mail_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_mail'))
    )
    op.create_index('ix_mail_due', 'mail', ['next_attempt_at'], unique=False, postgresql_where=sa.text('sent_at IS NULL AND failed_at IS NULL'))
    op.create_table('site',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('domain', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), server_default='ACTIVE', nullable=False),
    sa.Column('language', sa.Text(), nullable=False),
    sa.Column('timezone', sa.Text(), nullable=False),
    sa.Column('industry_id', sa.Uuid(), nullable=True),
    sa.Column('wp_url', sa.Text(), nullable=True),
    sa.Column('wp_username', sa.Text(), nullable=True),
    sa.Column('wp_app_password', sa.LargeBinary(), nullable=True),
    sa.Column('has_wp_app_password', sa.Boolean(), sa.Computed('wp_app_password IS NOT NULL', persisted=True), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("status IN ('ACTIVE', 'INACTIVE', 'SUSPENDED')", name=op.f('ck_site_status')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_site_account_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['industry_id'], ['industry.id'], name=op.f('fk_site_industry_id')),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_site'))
    )
    op.create_index('ix_site_created_at', 'site', ['account_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_site_name', 'site', ['account_id', 'name', 'id'], unique=False)
    op.create_index('uq_site_slug', 'site', ['account_id', 'slug'], unique=True)
    op.create_table('subscription',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('plan_id', sa.Uuid(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('current_period_start', sa.DateTime(timezone=True), nullable=False),
    sa.Column('current_period_end', sa.DateTime(timezone=True), nullable=False),
    sa.Column('cancel_at_period_end', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("status IN ('TRIALING', 'ACTIVE', 'PAST_DUE', 'CANCELLED')", name=op.f('ck_subscription_status')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_subscription_account_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['plan_id'], ['plan.id'], name=op.f('fk_subscription_plan_id')),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_subscription'))
    )
    op.create_index('uq_subscription_account_id', 'subscription', ['account_id'], unique=True)
    op.create_table('wallet',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('balance', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('held', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint('0 <= held AND held <= balance', name=op.f('ck_wallet_held')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_wallet_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', name=op.f('pk_wallet'))
    )
    op.create_table('credential',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['account_id', 'user_id'], ['app_user.account_id', 'app_user.id'], name=op.f('fk_credential_account_id_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'user_id', name=op.f('pk_credential'))
    )
    op.create_table('mail_token',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('created_by_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint("purpose IN ('VERIFY_EMAIL', 'RESET_PASSWORD', 'INVITATION')", name=op.f('ck_mail_token_purpose')),
    sa.ForeignKeyConstraint(['account_id', 'user_id'], ['app_user.account_id', 'app_user.id'], name=op.f('fk_mail_token_account_id_user_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_mail_token_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_mail_token'))
    )
    op.create_index('ix_mail_token_user_id', 'mail_token', ['account_id', 'user_id', 'purpose'], unique=False)
    op.create_index('uq_mail_token_digest', 'mail_token', ['digest'], unique=True)
    op.create_table('sector',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), server_default='ACTIVE', nullable=False),
    sa.Column('industry_sector_id', sa.Uuid(), nullable=True),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("status IN ('ACTIVE', 'INACTIVE')", name=op.f('ck_sector_status')),
    sa.ForeignKeyConstraint(['account_id', 'site_id'], ['site.account_id', 'site.id'], name=op.f('fk_sector_account_id_site_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_sector_account_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['industry_sector_id'], ['industry_sector.id'], name=op.f('fk_sector_industry_sector_id')),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_sector')),
    sa.UniqueConstraint('account_id', 'site_id', 'id', name=op.f('uq_sector_account_id_site_id_id'))
    )
    op.create_index('ix_sector_created_at', 'sector', ['account_id', 'site_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('uq_sector_slug', 'sector', ['account_id', 'site_id', 'slug'], unique=True)
    op.create_table('seed_keyword',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('industry_sector_id', sa.Uuid(), nullable=False),
    sa.Column('keyword', sa.Text(), nullable=False),
    sa.Column('volume', sa.Integer(), nullable=True),
    sa.Column('difficulty', sa.Integer(), nullable=True),
    sa.Column('intent', sa.Text(), nullable=False),
    sa.CheckConstraint("intent IN ('INFORMATIONAL', 'COMMERCIAL', 'TRANSACTIONAL', 'NAVIGATIONAL', 'UNKNOWN')", name=op.f('ck_seed_keyword_intent')),
    sa.CheckConstraint('difficulty BETWEEN 0 AND 100', name=op.f('ck_seed_keyword_difficulty')),
    sa.CheckConstraint('volume >= 0', name=op.f('ck_seed_keyword_volume')),
    sa.ForeignKeyConstraint(['industry_sector_id'], ['industry_sector.id'], name=op.f('fk_seed_keyword_industry_sector_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_seed_keyword')),
    sa.UniqueConstraint('industry_sector_id', 'keyword', name=op.f('uq_seed_keyword_industry_sector_id_keyword'))
    )
    op.create_table('session',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('user_agent', sa.Text(), nullable=True),
    sa.Column('ip_address', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('last_used_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['account_id', 'user_id'], ['app_user.account_id', 'app_user.id'], name=op.f('fk_session_account_id_user_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_session_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_session'))
    )
    op.create_index('ix_session_user_id', 'session', ['account_id', 'user_id', 'created_at'], unique=False)
    op.create_table('site_user_access',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('granted_by_id', sa.Uuid(), nullable=True),
    sa.Column('granted_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['account_id', 'granted_by_id'], ['app_user.account_id', 'app_user.id'], name=op.f('fk_site_user_access_account_id_granted_by_id'), ondelete='SET NULL (granted_by_id)'),
    sa.ForeignKeyConstraint(['account_id', 'site_id'], ['site.account_id', 'site.id'], name=op.f('fk_site_user_access_account_id_site_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id', 'user_id'], ['app_user.account_id', 'app_user.id'], name=op.f('fk_site_user_access_account_id_user_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_site_user_access_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_site_user_access'))
    )
    op.create_index('ix_site_user_access_granted_by', 'site_user_access', ['account_id', 'granted_by_id'], unique=False)
    op.create_index('ix_site_user_access_site', 'site_user_access', ['account_id', 'site_id', sa.literal_column('granted_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('uq_site_user_access_user', 'site_user_access', ['account_id', 'user_id', 'site_id'], unique=True)
    op.create_table('refresh_token',
    sa.Column('session_id', sa.Uuid(), nullable=False),
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['account_id', 'session_id'], ['session.account_id', 'session.id'], name=op.f('fk_refresh_token_account_id_session_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_refresh_token_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_refresh_token'))
    )
    op.create_index('ix_refresh_token_session_id', 'refresh_token', ['account_id', 'session_id'], unique=False)
    op.create_index('uq_refresh_token_digest', 'refresh_token', ['digest'], unique=True)
    _make_functions()
    _raise_walls()


def downgrade() -> None:
    op.drop_index('uq_refresh_token_digest', table_name='refresh_token')
    op.drop_index('ix_refresh_token_session_id', table_name='refresh_token')
    op.drop_table('refresh_token')
    op.drop_index('uq_site_user_access_user', table_name='site_user_access')
    op.drop_index('ix_site_user_access_site', table_name='site_user_access')
    op.drop_index('ix_site_user_access_granted_by', table_name='site_user_access')
    op.drop_table('site_user_access')
    op.drop_index('ix_session_user_id', table_name='session')
    op.drop_table('session')
    op.drop_table('seed_keyword')
    op.drop_index('uq_sector_slug', table_name='sector')
    op.drop_index('ix_sector_created_at', table_name='sector')
    op.drop_table('sector')
    op.drop_index('uq_mail_token_digest', table_name='mail_token')
    op.drop_index('ix_mail_token_user_id', table_name='mail_token')
    op.drop_table('mail_token')
    op.drop_table('credential')
    op.drop_table('wallet')
    op.drop_index('uq_subscription_account_id', table_name='subscription')
    op.drop_table('subscription')
    op.drop_index('uq_site_slug', table_name='site')
    op.drop_index('ix_site_name', table_name='site')
    op.drop_index('ix_site_created_at', table_name='site')
    op.drop_table('site')
    op.drop_index('ix_mail_due', table_name='mail', postgresql_where=sa.text('sent_at IS NULL AND failed_at IS NULL'))
    op.drop_table('mail')
    op.drop_table('limit_usage')
    op.drop_table('industry_sector')
    op.drop_table('idempotency_key')
    op.drop_index('uq_credit_entry_key', table_name='credit_entry')
    op.drop_table('credit_entry')
    op.drop_table('change_counter')
    op.drop_index('uq_change_cursor', table_name='change')
    op.drop_table('change')
    op.drop_index('uq_app_user_owner', table_name='app_user', postgresql_where=sa.text("role = 'OWNER'"))
    op.drop_index('uq_app_user_email_key', table_name='app_user')
    op.drop_index('ix_app_user_signin', table_name='app_user')
    op.drop_index('ix_app_user_created_at', table_name='app_user')
    op.drop_table('app_user')
    op.drop_index('uq_plan_default', table_name='plan', postgresql_where=sa.text('is_default'))
    op.drop_table('plan')
    op.drop_table('industry')
    op.drop_table('account')
    op.execute('DROP FUNCTION count_usage, app_enter, gql_null, gql_limited')


def _make_functions() -> None:
    # Counts rows as they come and go; the updated row stays locked until the writer commits.
    op.execute("""
        CREATE FUNCTION count_usage() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                INSERT INTO limit_usage AS u (account_id, "limit", used)
                SELECT account_id, TG_ARGV[0], count(*) FROM changed GROUP BY account_id
                ON CONFLICT (account_id, "limit") DO UPDATE SET used = u.used + excluded.used;
            ELSE
                UPDATE limit_usage u SET used = u.used - gone.rows
                FROM (SELECT account_id, count(*) AS rows FROM changed GROUP BY account_id) gone
                WHERE u.account_id = gone.account_id AND u."limit" = TG_ARGV[0];
            END IF;
            RETURN NULL;
        END $$
    """)
    # Compiled reads call it where a value that must not be null is null.
    op.execute("""
        CREATE FUNCTION gql_null(path text) RETURNS json LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'null at %', path USING ERRCODE = 'GQ001';
        END $$
    """)
    # Wraps the value of each root field: an answer that is too large is refused before it is sent.
    op.execute("""
        CREATE FUNCTION gql_limited(answer json, most int) RETURNS json LANGUAGE plpgsql AS $$
        BEGIN
            IF octet_length(answer::text) > most THEN
                RAISE EXCEPTION 'answer of % bytes', octet_length(answer::text) USING ERRCODE = 'GQ002';
            END IF;
            RETURN answer;
        END $$
    """)
    op.execute(_app_enter(role_names()))


def _app_enter(names: RoleNames) -> str:
    """The gate of every transaction: the session row decides who asks, and only then anything can be seen.

    It answers no row for a session that is not alive; `served` is false, and nothing is set, when this login role
    is not the one that serves the user. Who may act on other accounts belongs to the system account. The settings
    live until the end of the transaction.
    """
    app, member, system = (name.replace("'", "''") for name in (names.app, names.member, names.system))
    return f"""
        CREATE FUNCTION app_enter(in_account uuid, in_user uuid, in_session uuid, acting_on uuid)
        RETURNS TABLE (role text, account_status text, served boolean) LANGUAGE plpgsql AS $$
        DECLARE
            who record;
            needed text;
            serving text := CASE current_user WHEN '{app}' THEN 'app' WHEN '{member}' THEN 'member'
                                              WHEN '{system}' THEN 'system' ELSE '' END;
        BEGIN
            PERFORM set_config('app.account_id', in_account::text, true),
                    set_config('app.user_id', in_user::text, true),
                    set_config('app.session_id', in_session::text, true),
                    set_config('app.role', '', true),
                    set_config('app.site_ids', '', true);
            SELECT u.role, a.status, u.role IN ('DEVELOPER', 'SYSTEM_BOT') AS operates INTO who
            FROM session s
            JOIN app_user u ON u.account_id = s.account_id AND u.id = s.user_id
            JOIN account a ON a.id = s.account_id
            WHERE s.account_id = in_account AND s.id = in_session AND s.user_id = in_user
              AND s.revoked_at IS NULL AND s.expires_at > now() AND u.status = 'ACTIVE'
              AND (a.is_system OR u.role NOT IN ('DEVELOPER', 'SYSTEM_BOT'))
              AND (acting_on IS NULL OR u.role IN ('DEVELOPER', 'SYSTEM_BOT'));
            needed := CASE
                WHEN who.role IN ('EDITOR', 'VIEWER') THEN 'member'
                WHEN who.operates AND acting_on IS NULL THEN 'system'
                ELSE 'app' END;
            IF who.role IS NULL OR needed <> serving THEN
                PERFORM set_config('app.account_id', '', true), set_config('app.user_id', '', true),
                        set_config('app.session_id', '', true);
                IF who.role IS NOT NULL THEN
                    RETURN QUERY SELECT who.role, who.status, false;
                END IF;
                RETURN;
            END IF;
            PERFORM set_config('app.role', who.role, true);
            IF needed = 'member' THEN
                PERFORM set_config('app.site_ids', (SELECT coalesce(array_agg(g.site_id), '{{}}')::text
                    FROM site_user_access g WHERE g.account_id = in_account AND g.user_id = in_user), true);
            ELSIF acting_on IS NOT NULL THEN
                PERFORM set_config('app.account_id', acting_on::text, true);
                SELECT a.status INTO who.status FROM account a WHERE a.id = acting_on;
            END IF;
            RETURN QUERY SELECT who.role, who.status, true;
        END $$
    """


def _raise_walls() -> None:
    protect("account", account="id", app=_ACCOUNT_WRITES, member="SELECT", signin="SELECT")
    protect("app_user", member=_PROFILE_WRITES, member_check=_OWN_USER, signin="SELECT")
    protect(
        "credential",
        app="SELECT (account_id, user_id), INSERT, UPDATE, DELETE",
        member="SELECT (account_id, user_id), INSERT, UPDATE",
        member_user="user_id",
        signin="SELECT",
    )
    protect("session", member="SELECT, UPDATE (revoked_at)", member_user="user_id", signin="SELECT")
    protect("refresh_token", signin="SELECT")
    protect("mail_token", member="INSERT, SELECT, DELETE", member_user="user_id", signin="SELECT")
    protect("mail", app="INSERT", member="INSERT")
    protect("site", member=_SITE_COLUMNS, member_site="id")
    protect("site_user_access", member="SELECT", member_user="user_id")
    protect("sector", member="SELECT", member_site="site_id")
    protect("subscription", member="SELECT", signin="SELECT")
    protect("limit_usage", app="SELECT, INSERT, UPDATE", member="SELECT, INSERT, UPDATE")
    protect("wallet", app="SELECT, INSERT, UPDATE")
    protect("credit_entry", app="SELECT, INSERT", system="SELECT, INSERT")
    protect("change", app="SELECT, INSERT", member="INSERT", member_check=_OWN_SCOPE)
    protect("change_counter", app="SELECT, INSERT, UPDATE", member="SELECT, INSERT, UPDATE")
    protect("idempotency_key", member="SELECT, INSERT, UPDATE")
    for table in ("plan", "industry", "industry_sector", "seed_keyword"):
        publish(table)
    count_rows("app_user", "USERS")
    count_rows("site", "SITES")
    names = role_names()
    readers = ", ".join(quoted(name) for name in (names.app, names.system))
    op.execute(f"GRANT SELECT ON alembic_version TO {readers}")


# Nobody becomes an operator through the application: `is_system` and users' roles are not among what it, or a
# member, may write.
_ACCOUNT_WRITES = "SELECT, INSERT (id, name, slug, status), UPDATE (name, slug, status, updated_at)"
_PROFILE_WRITES = "SELECT, UPDATE (name, email, email_key, email_verified, updated_at)"
_OWN_USER = "id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid)"
_OWN_SCOPE = (
    "CASE WHEN site_id IS NULL THEN true"
    " ELSE site_id = ANY ((SELECT nullif(current_setting('app.site_ids', true), ''))::uuid[]) END"
)
_SITE_COLUMNS = (
    "SELECT (account_id, id, name, slug, domain, status, language, timezone, industry_id, wp_url, wp_username,"
    " has_wp_app_password, created_at, updated_at)"
)
