"""Jobs with their items, events and results."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from igny8.tenancy import ALL, protect

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('job',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('scope_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('queue', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), server_default='QUEUED', nullable=False),
    sa.Column('phase', sa.Text(), server_default='INIT', nullable=False),
    sa.Column('percent', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('message', sa.Text(), server_default='', nullable=False),
    sa.Column('items_total', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('items_done', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('items_failed', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('attempt', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('max_attempts', sa.Integer(), nullable=False),
    sa.Column('fence', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('cancel_requested', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('credits_held', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('credits_used', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('arguments', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('outcome_type', sa.Text(), nullable=True),
    sa.Column('outcome', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('retry_of_id', sa.Uuid(), nullable=True),
    sa.Column('started_by_id', sa.Uuid(), nullable=True),
    sa.Column('queued_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('hinted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error_code', sa.Text(), nullable=True),
    sa.Column('error_message', sa.Text(), nullable=True),
    sa.Column('error_retryable', sa.Boolean(), nullable=True),
    sa.CheckConstraint("(state = 'RUNNING') = (lease_until IS NOT NULL)", name=op.f('ck_job_lease_until')),
    sa.CheckConstraint("(state IN ('QUEUED', 'RETRYING', 'RUNNING')) = (finished_at IS NULL)", name=op.f('ck_job_finished_at')),
    sa.CheckConstraint("error_code IN ('AI_OUTPUT_INVALID', 'AI_REFUSED', 'PROVIDER_AUTH', 'PROVIDER_LIMIT', 'PROVIDER_UNAVAILABLE', 'EXTERNAL_SERVICE', 'TIMEOUT', 'LIMIT_REACHED', 'CONFLICT', 'NOT_FOUND', 'CANCELLED', 'CRASHED', 'INTERNAL')", name=op.f('ck_job_error_code')),
    sa.CheckConstraint("kind IN ('IMPORT_KEYWORDS', 'CLUSTER_KEYWORDS', 'GENERATE_IDEAS', 'GENERATE_CONTENT', 'GENERATE_IMAGE_PROMPTS', 'GENERATE_IMAGES', 'SUGGEST_LINKS', 'PROCESS_LINKS', 'CHECK_LINKS', 'OPTIMIZE_CONTENT', 'ANALYZE_CONTENT', 'GENERATE_SITE_STRUCTURE', 'GENERATE_PAGE_CONTENT', 'PUBLISH_CONTENT', 'RETRACT_PUBLICATION', 'DEPLOY_SITE', 'SYNC_SITE', 'RUN_AUTOMATION', 'EXPORT_RECORDS', 'DELIVER_WEBHOOK', 'SEND_EMAIL')", name=op.f('ck_job_kind')),
    sa.CheckConstraint("phase IN ('INIT', 'PREP', 'AI_CALL', 'PARSE', 'SAVE', 'DONE')", name=op.f('ck_job_phase')),
    sa.CheckConstraint("queue IN ('ai', 'work')", name=op.f('ck_job_queue')),
    sa.CheckConstraint("state IN ('QUEUED', 'RUNNING', 'RETRYING', 'SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELLED')", name=op.f('ck_job_state')),
    sa.CheckConstraint('0 <= credits_used AND credits_used <= credits_held', name=op.f('ck_job_credits')),
    sa.CheckConstraint('items_done + items_failed <= items_total', name=op.f('ck_job_items_total')),
    sa.CheckConstraint('items_done >= 0 AND items_failed >= 0', name=op.f('ck_job_items')),
    sa.CheckConstraint('num_nulls(error_code, error_message, error_retryable) IN (0, 3)', name=op.f('ck_job_error')),
    sa.CheckConstraint('percent BETWEEN 0 AND 100', name=op.f('ck_job_percent')),
    sa.ForeignKeyConstraint(['account_id', 'retry_of_id'], ['job.account_id', 'job.id'], name=op.f('fk_job_account_id_retry_of_id'), ondelete='SET NULL (retry_of_id)'),
    sa.ForeignKeyConstraint(['account_id', 'started_by_id'], ['app_user.account_id', 'app_user.id'], name=op.f('fk_job_account_id_started_by_id'), ondelete='SET NULL (started_by_id)'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_job_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_job'))
    )
    op.create_index('ix_job_finished_at', 'job', ['account_id', sa.literal_column('finished_at DESC NULLS LAST'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_job_hinted', 'job', ['account_id', 'queue'], unique=False, postgresql_where=sa.text('hinted_at IS NOT NULL'))
    op.create_index('ix_job_lease_until', 'job', ['lease_until'], unique=False, postgresql_where=sa.text("state = 'RUNNING'"))
    op.create_index('ix_job_prunable', 'job', ['finished_at'], unique=False, postgresql_where=sa.text('arguments IS NOT NULL'))
    op.create_index('ix_job_queued_at', 'job', ['account_id', sa.literal_column('queued_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_job_scope_id', 'job', ['account_id', 'scope_id', sa.literal_column('queued_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_job_started_by_id', 'job', ['account_id', 'started_by_id', sa.literal_column('queued_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_job_unhinted', 'job', ['account_id', 'queue', 'due_at', 'id'], unique=False, postgresql_where=sa.text("state IN ('QUEUED', 'RETRYING') AND hinted_at IS NULL"))
    op.create_index('uq_job_retry_of_id', 'job', ['account_id', 'retry_of_id'], unique=True)
    op.create_table('job_event',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('job_id', sa.Uuid(), nullable=False),
    sa.Column('scope_id', sa.Uuid(), nullable=False),
    sa.Column('cursor', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('phase', sa.Text(), nullable=False),
    sa.Column('percent', sa.Integer(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('items_done', sa.Integer(), nullable=False),
    sa.Column('items_failed', sa.Integer(), nullable=False),
    sa.Column('items_total', sa.Integer(), nullable=False),
    sa.Column('subject_kind', sa.Text(), nullable=True),
    sa.Column('subject_id', sa.Uuid(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.CheckConstraint("phase IN ('INIT', 'PREP', 'AI_CALL', 'PARSE', 'SAVE', 'DONE')", name=op.f('ck_job_event_phase')),
    sa.CheckConstraint("state IN ('QUEUED', 'RUNNING', 'RETRYING', 'SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELLED')", name=op.f('ck_job_event_state')),
    sa.ForeignKeyConstraint(['account_id', 'job_id'], ['job.account_id', 'job.id'], name=op.f('fk_job_event_account_id_job_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_job_event_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'job_id', 'cursor', name=op.f('pk_job_event'))
    )
    op.create_index('ix_job_event_scope_id', 'job_event', ['account_id', 'scope_id', 'cursor'], unique=False)
    op.create_table('job_item',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('job_id', sa.Uuid(), nullable=False),
    sa.Column('scope_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('subject_kind', sa.Text(), nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Text(), server_default='QUEUED', nullable=False),
    sa.Column('message', sa.Text(), nullable=True),
    sa.Column('draft', sa.Text(), nullable=True),
    sa.Column('part', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('finding', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('credits_used', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('error_code', sa.Text(), nullable=True),
    sa.Column('error_message', sa.Text(), nullable=True),
    sa.Column('error_retryable', sa.Boolean(), nullable=True),
    sa.CheckConstraint("error_code IN ('AI_OUTPUT_INVALID', 'AI_REFUSED', 'PROVIDER_AUTH', 'PROVIDER_LIMIT', 'PROVIDER_UNAVAILABLE', 'EXTERNAL_SERVICE', 'TIMEOUT', 'LIMIT_REACHED', 'CONFLICT', 'NOT_FOUND', 'CANCELLED', 'CRASHED', 'INTERNAL')", name=op.f('ck_job_item_error_code')),
    sa.CheckConstraint("state IN ('QUEUED', 'RUNNING', 'RETRYING', 'SUCCEEDED', 'FAILED', 'CANCELLED')", name=op.f('ck_job_item_state')),
    sa.CheckConstraint('credits_used >= 0', name=op.f('ck_job_item_credits_used')),
    sa.CheckConstraint('num_nulls(error_code, error_message, error_retryable) IN (0, 3)', name=op.f('ck_job_item_error')),
    sa.ForeignKeyConstraint(['account_id', 'job_id'], ['job.account_id', 'job.id'], name=op.f('fk_job_item_account_id_job_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_job_item_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_job_item'))
    )
    op.create_index('ix_job_item_subject_id', 'job_item', ['account_id', 'subject_id', sa.literal_column('id DESC')], unique=False)
    op.create_index('uq_job_item_position', 'job_item', ['account_id', 'job_id', 'position'], unique=True)
    op.create_table('job_result',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('job_id', sa.Uuid(), nullable=False),
    sa.Column('scope_id', sa.Uuid(), nullable=False),
    sa.Column('result_kind', sa.Text(), nullable=False),
    sa.Column('result_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['account_id', 'job_id'], ['job.account_id', 'job.id'], name=op.f('fk_job_result_account_id_job_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_job_result_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'job_id', 'result_kind', 'result_id', name=op.f('pk_job_result'))
    )
    op.create_index('ix_job_result_position', 'job_result', ['account_id', 'job_id', 'position'], unique=False)
    op.create_index('ix_job_result_result_id', 'job_result', ['account_id', 'result_id'], unique=False)
    _raise_walls()


def downgrade() -> None:
    op.drop_index('ix_job_result_result_id', table_name='job_result')
    op.drop_index('ix_job_result_position', table_name='job_result')
    op.drop_table('job_result')
    op.drop_index('uq_job_item_position', table_name='job_item')
    op.drop_index('ix_job_item_subject_id', table_name='job_item')
    op.drop_table('job_item')
    op.drop_index('ix_job_event_scope_id', table_name='job_event')
    op.drop_table('job_event')
    op.drop_index('uq_job_retry_of_id', table_name='job')
    op.drop_index('ix_job_unhinted', table_name='job', postgresql_where=sa.text("state IN ('QUEUED', 'RETRYING') AND hinted_at IS NULL"))
    op.drop_index('ix_job_started_by_id', table_name='job')
    op.drop_index('ix_job_scope_id', table_name='job')
    op.drop_index('ix_job_queued_at', table_name='job')
    op.drop_index('ix_job_prunable', table_name='job', postgresql_where=sa.text('arguments IS NOT NULL'))
    op.drop_index('ix_job_lease_until', table_name='job', postgresql_where=sa.text("state = 'RUNNING'"))
    op.drop_index('ix_job_hinted', table_name='job', postgresql_where=sa.text('hinted_at IS NOT NULL'))
    op.drop_index('ix_job_finished_at', table_name='job')
    op.drop_table('job')


def _raise_walls() -> None:
    # Who may start a job ends it too, when it is cancelled while it waits. Results are written by workers alone.
    changed = "SELECT, INSERT, UPDATE"
    protect("job", app=changed, member=changed, member_site="scope_id", system=ALL)
    protect("job_item", app=changed, member=changed, member_site="scope_id", system=ALL)
    protect("job_event", app="SELECT, INSERT", member="SELECT, INSERT", member_site="scope_id", system=ALL)
    protect("job_result", app="SELECT, INSERT", member="SELECT", member_site="scope_id", system=ALL)
