"""Prompts with their versions, integration settings, author profiles and strategies."""

from uuid import UUID, uuid5

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from igny8.tenancy import SITES, count_rows, protect, publish

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

_PROMPT_TYPES = (
    'CLUSTERING', 'IDEAS', 'CONTENT', 'IMAGE_PROMPTS', 'IMAGE_TEMPLATE', 'OPTIMIZE', 'SITE_STRUCTURE', 'PAGE_CONTENT'
)
_NAMES = UUID('0a4f8f5e-3e0c-4a9b-8a0e-6f0d2c9f7b11')


def upgrade() -> None:
    op.create_table('prompt_kind',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('prompt_type', sa.Text(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.CheckConstraint("prompt_type IN ('CLUSTERING', 'IDEAS', 'CONTENT', 'IMAGE_PROMPTS', 'IMAGE_TEMPLATE', 'OPTIMIZE', 'SITE_STRUCTURE', 'PAGE_CONTENT')", name=op.f('ck_prompt_kind_prompt_type')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_prompt_kind')),
    sa.UniqueConstraint('prompt_type', name=op.f('uq_prompt_kind_prompt_type'))
    )
    op.create_table('author_profile',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('tone', sa.Text(), nullable=True),
    sa.Column('language', sa.Text(), server_default='en', nullable=False),
    sa.Column('instructions', sa.Text(), nullable=True),
    sa.Column('is_default', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_author_profile_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_author_profile'))
    )
    op.create_index('ix_author_profile_created_at', 'author_profile', ['account_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('uq_author_profile_default', 'author_profile', ['account_id'], unique=True, postgresql_where=sa.text('is_default'))
    op.create_index('uq_author_profile_name', 'author_profile', ['account_id', sa.literal_column('lower(name)')], unique=True)
    op.create_table('integration_settings',
    sa.Column('integration_type', sa.Text(), nullable=False),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('api_key', sa.LargeBinary(), nullable=True),
    sa.Column('api_key_last4', sa.Text(), nullable=True),
    sa.Column('has_api_key', sa.Boolean(), sa.Computed('api_key IS NOT NULL', persisted=True), nullable=False),
    sa.Column('base_url', sa.Text(), nullable=True),
    sa.Column('text_model', sa.Text(), nullable=True),
    sa.Column('image_model', sa.Text(), nullable=True),
    sa.Column('image_style', sa.Text(), nullable=True),
    sa.Column('options', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('last_test', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("image_style IN ('REALISTIC', 'ARTISTIC', 'CARTOON')", name=op.f('ck_integration_settings_image_style')),
    sa.CheckConstraint("integration_type IN ('OPENAI', 'RUNWARE')", name=op.f('ck_integration_settings_integration_type')),
    sa.CheckConstraint('(api_key IS NULL) = (api_key_last4 IS NULL)', name=op.f('ck_integration_settings_api_key_last4')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_integration_settings_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_integration_settings')),
    sa.UniqueConstraint('account_id', 'integration_type', name=op.f('uq_integration_settings_account_id_integration_type'))
    )
    op.create_table('ai_prompt',
    sa.Column('prompt_type', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=True),
    sa.Column('last_version', sa.Integer(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_by_id', sa.Uuid(), nullable=True),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint("prompt_type IN ('CLUSTERING', 'IDEAS', 'CONTENT', 'IMAGE_PROMPTS', 'IMAGE_TEMPLATE', 'OPTIMIZE', 'SITE_STRUCTURE', 'PAGE_CONTENT')", name=op.f('ck_ai_prompt_prompt_type')),
    sa.CheckConstraint('version BETWEEN 1 AND last_version', name=op.f('ck_ai_prompt_version')),
    sa.ForeignKeyConstraint(['account_id', 'updated_by_id'], ['app_user.account_id', 'app_user.id'], name=op.f('fk_ai_prompt_account_id_updated_by_id'), ondelete='SET NULL (updated_by_id)'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_ai_prompt_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_ai_prompt')),
    sa.UniqueConstraint('account_id', 'prompt_type', name=op.f('uq_ai_prompt_account_id_prompt_type'))
    )
    op.create_index('ix_ai_prompt_updated_by', 'ai_prompt', ['account_id', 'updated_by_id'], unique=False)
    op.create_table('ai_prompt_version',
    sa.Column('prompt_type', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.Uuid(), nullable=True),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint("prompt_type IN ('CLUSTERING', 'IDEAS', 'CONTENT', 'IMAGE_PROMPTS', 'IMAGE_TEMPLATE', 'OPTIMIZE', 'SITE_STRUCTURE', 'PAGE_CONTENT')", name=op.f('ck_ai_prompt_version_prompt_type')),
    sa.ForeignKeyConstraint(['account_id', 'created_by_id'], ['app_user.account_id', 'app_user.id'], name=op.f('fk_ai_prompt_version_account_id_created_by_id'), ondelete='SET NULL (created_by_id)'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_ai_prompt_version_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_ai_prompt_version')),
    sa.UniqueConstraint('account_id', 'prompt_type', 'version', name=op.f('uq_ai_prompt_version_account_id_prompt_type_version'))
    )
    op.create_index('ix_ai_prompt_version_created_by', 'ai_prompt_version', ['account_id', 'created_by_id'], unique=False)
    op.create_table('strategy',
    sa.Column('site_id', sa.Uuid(), nullable=True),
    sa.Column('sector_id', sa.Uuid(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('prompt_types', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('instructions', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("prompt_types <@ ARRAY['CLUSTERING', 'IDEAS', 'CONTENT', 'IMAGE_PROMPTS', 'IMAGE_TEMPLATE', 'OPTIMIZE', 'SITE_STRUCTURE', 'PAGE_CONTENT']", name=op.f('ck_strategy_prompt_types')),
    sa.CheckConstraint('(site_id IS NULL) = (sector_id IS NULL)', name=op.f('ck_strategy_sector_id')),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'sector_id'], ['sector.account_id', 'sector.site_id', 'sector.id'], name=op.f('fk_strategy_account_id_site_id_sector_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id', 'site_id'], ['site.account_id', 'site.id'], name=op.f('fk_strategy_account_id_site_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_strategy_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_strategy'))
    )
    op.create_index('ix_strategy_created_at', 'strategy', ['account_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_strategy_sector_id', 'strategy', ['account_id', 'site_id', 'sector_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('uq_strategy_name', 'strategy', ['account_id', sa.literal_column('lower(name)')], unique=True)
    _list_prompt_types()
    _raise_walls()


def downgrade() -> None:
    op.drop_index('uq_strategy_name', table_name='strategy')
    op.drop_index('ix_strategy_sector_id', table_name='strategy')
    op.drop_index('ix_strategy_created_at', table_name='strategy')
    op.drop_table('strategy')
    op.drop_index('ix_ai_prompt_version_created_by', table_name='ai_prompt_version')
    op.drop_table('ai_prompt_version')
    op.drop_index('ix_ai_prompt_updated_by', table_name='ai_prompt')
    op.drop_table('ai_prompt')
    op.drop_table('integration_settings')
    op.drop_index('uq_author_profile_name', table_name='author_profile')
    op.drop_index('uq_author_profile_default', table_name='author_profile', postgresql_where=sa.text('is_default'))
    op.drop_index('ix_author_profile_created_at', table_name='author_profile')
    op.drop_table('author_profile')
    op.drop_table('prompt_kind')


def _list_prompt_types() -> None:
    kinds = sa.table('prompt_kind', sa.column('id', sa.Uuid()), sa.column('prompt_type'), sa.column('position'))
    op.bulk_insert(kinds, [
        {'id': uuid5(_NAMES, name), 'prompt_type': name, 'position': position}
        for position, name in enumerate(_PROMPT_TYPES)
    ])
    publish('prompt_kind')


def _raise_walls() -> None:
    for table in ('ai_prompt', 'ai_prompt_version'):
        protect(table)
    # Whoever may start a job may know whether there is a key for it, and nothing of the key.
    known = 'account_id, integration_type, is_active, has_api_key, base_url'
    protect('integration_settings', member=f'SELECT ({known})')
    protect('author_profile', member='SELECT')
    # A strategy of the whole account is for everybody, one of a sector for those who may see its site.
    protect(
        'strategy', member='SELECT', member_sees=f'CASE WHEN site_id IS NULL THEN true ELSE site_id = ANY {SITES} END'
    )
    count_rows('author_profile', 'AUTHOR_PROFILES')
