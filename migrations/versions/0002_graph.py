"""Keywords, clusters, ideas, tasks, contents and images, with what is derived from them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from igny8.tenancy import ALL, count_rows, planned_for_large_accounts, protect

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('cluster',
    sa.Column('name', sa.Text(collation='C'), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), server_default='NEW', nullable=False),
    sa.Column('locked', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('keywords_count', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('volume', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('difficulty', sa.Float(), nullable=True),
    sa.Column('dominant_intent', sa.Text(), server_default='UNKNOWN', nullable=False),
    sa.Column('mixed_intent', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('sector_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("dominant_intent IN ('INFORMATIONAL', 'COMMERCIAL', 'TRANSACTIONAL', 'NAVIGATIONAL', 'UNKNOWN')", name=op.f('ck_cluster_dominant_intent')),
    sa.CheckConstraint("status IN ('NEW', 'MAPPED', 'ARCHIVED')", name=op.f('ck_cluster_status')),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'sector_id'], ['sector.account_id', 'sector.site_id', 'sector.id'], name=op.f('fk_cluster_account_id_site_id_sector_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_cluster_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_cluster')),
    sa.UniqueConstraint('account_id', 'site_id', 'id', name=op.f('uq_cluster_account_id_site_id_id'))
    )
    op.create_index('ix_cluster_sector_id', 'cluster', ['account_id', 'sector_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_cluster_site_id', 'cluster', ['account_id', 'site_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_cluster_volume', 'cluster', ['account_id', 'site_id', sa.literal_column('volume DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('uq_cluster_name', 'cluster', ['account_id', 'site_id', 'sector_id', sa.literal_column('lower(name)')], unique=True)
    op.create_table('keyword',
    sa.Column('keyword', sa.Text(collation='C'), nullable=False),
    sa.Column('keyword_key', sa.Text(collation='C'), nullable=False),
    sa.Column('volume', sa.Integer(), nullable=True),
    sa.Column('difficulty', sa.Integer(), nullable=True),
    sa.Column('cpc', sa.Numeric(precision=10, scale=2), nullable=True),
    sa.Column('intent', sa.Text(), server_default='UNKNOWN', nullable=False),
    sa.Column('status', sa.Text(), server_default='NEW', nullable=False),
    sa.Column('source', sa.Text(), server_default='MANUAL', nullable=False),
    sa.Column('serp_urls', postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('clusters_count', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('sector_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("intent IN ('INFORMATIONAL', 'COMMERCIAL', 'TRANSACTIONAL', 'NAVIGATIONAL', 'UNKNOWN')", name=op.f('ck_keyword_intent')),
    sa.CheckConstraint("source IN ('MANUAL', 'IMPORT', 'TEMPLATE', 'AUTOMATION')", name=op.f('ck_keyword_source')),
    sa.CheckConstraint("status IN ('NEW', 'CLUSTERED', 'ARCHIVED')", name=op.f('ck_keyword_status')),
    sa.CheckConstraint('difficulty BETWEEN 0 AND 100', name=op.f('ck_keyword_difficulty')),
    sa.CheckConstraint('volume >= 0', name=op.f('ck_keyword_volume')),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'sector_id'], ['sector.account_id', 'sector.site_id', 'sector.id'], name=op.f('fk_keyword_account_id_site_id_sector_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_keyword_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_keyword')),
    sa.UniqueConstraint('account_id', 'site_id', 'id', name=op.f('uq_keyword_account_id_site_id_id'))
    )
    op.create_index('ix_keyword_created_at', 'keyword', ['account_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_keyword_difficulty', 'keyword', ['account_id', 'difficulty', 'id'], unique=False)
    op.create_index('ix_keyword_keyword', 'keyword', ['account_id', 'keyword', 'id'], unique=False)
    op.create_index('ix_keyword_sector_id', 'keyword', ['account_id', 'sector_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_keyword_site_id', 'keyword', ['account_id', 'site_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_keyword_volume', 'keyword', ['account_id', sa.literal_column('volume DESC NULLS LAST'), sa.literal_column('id DESC')], unique=False)
    op.create_index('uq_keyword_key', 'keyword', ['account_id', 'site_id', 'sector_id', 'keyword_key'], unique=True)
    op.create_index('ix_keyword_status', 'keyword', ['account_id', 'status', 'site_id'], unique=False)
    op.create_index('ix_keyword_source', 'keyword', ['account_id', 'source', 'site_id'], unique=False)
    op.create_index('ix_keyword_intent', 'keyword', ['account_id', 'intent', 'site_id'], unique=False)
    op.create_index('ix_keyword_clusters_count', 'keyword', ['account_id', 'clusters_count', 'site_id'], unique=False)
    op.create_table('content_idea',
    sa.Column('cluster_id', sa.Uuid(), nullable=True),
    sa.Column('title', sa.Text(collation='C'), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), server_default='NEW', nullable=False),
    sa.Column('priority', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('target_keyword', sa.Text(), nullable=True),
    sa.Column('content_type', sa.Text(), server_default='POST', nullable=False),
    sa.Column('content_structure', sa.Text(), server_default='ARTICLE', nullable=False),
    sa.Column('estimated_word_count', sa.Integer(), nullable=True),
    sa.Column('outline', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    sa.Column('sector_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("content_structure IN ('ARTICLE', 'GUIDE', 'COMPARISON', 'REVIEW', 'LISTICLE', 'LANDING_PAGE', 'BUSINESS_PAGE', 'SERVICE_PAGE', 'GENERAL', 'CLUSTER_HUB', 'PRODUCT_PAGE', 'CATEGORY_ARCHIVE', 'TAG_ARCHIVE', 'ATTRIBUTE_ARCHIVE')", name=op.f('ck_content_idea_content_structure')),
    sa.CheckConstraint("content_type IN ('POST', 'PAGE', 'PRODUCT', 'SERVICE', 'TAXONOMY')", name=op.f('ck_content_idea_content_type')),
    sa.CheckConstraint("status IN ('NEW', 'QUEUED', 'COMPLETED', 'ARCHIVED')", name=op.f('ck_content_idea_status')),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'cluster_id'], ['cluster.account_id', 'cluster.site_id', 'cluster.id'], name=op.f('fk_content_idea_account_id_site_id_cluster_id'), ondelete='SET NULL (cluster_id)'),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'sector_id'], ['sector.account_id', 'sector.site_id', 'sector.id'], name=op.f('fk_content_idea_account_id_site_id_sector_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_content_idea_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_content_idea')),
    sa.UniqueConstraint('account_id', 'site_id', 'id', name=op.f('uq_content_idea_account_id_site_id_id'))
    )
    op.create_index('ix_content_idea_cluster_id', 'content_idea', ['account_id', 'cluster_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_content_idea_sector_id', 'content_idea', ['account_id', 'sector_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_content_idea_site_id', 'content_idea', ['account_id', 'site_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_table('keyword_cluster',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('keyword_id', sa.Uuid(), nullable=False),
    sa.Column('cluster_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'cluster_id'], ['cluster.account_id', 'cluster.site_id', 'cluster.id'], name=op.f('fk_keyword_cluster_account_id_site_id_cluster_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'keyword_id'], ['keyword.account_id', 'keyword.site_id', 'keyword.id'], name=op.f('fk_keyword_cluster_account_id_site_id_keyword_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'keyword_id', 'cluster_id', name=op.f('pk_keyword_cluster'))
    )
    op.create_index('ix_keyword_cluster_cluster_id', 'keyword_cluster', ['account_id', 'cluster_id', 'keyword_id'], unique=False)
    op.create_table('idea_keyword',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('idea_id', sa.Uuid(), nullable=False),
    sa.Column('keyword_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'idea_id'], ['content_idea.account_id', 'content_idea.site_id', 'content_idea.id'], name=op.f('fk_idea_keyword_account_id_site_id_idea_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'keyword_id'], ['keyword.account_id', 'keyword.site_id', 'keyword.id'], name=op.f('fk_idea_keyword_account_id_site_id_keyword_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'idea_id', 'keyword_id', name=op.f('pk_idea_keyword'))
    )
    op.create_index('ix_idea_keyword_keyword_id', 'idea_keyword', ['account_id', 'keyword_id', 'idea_id'], unique=False)
    op.create_table('task',
    sa.Column('cluster_id', sa.Uuid(), nullable=True),
    sa.Column('idea_id', sa.Uuid(), nullable=True),
    sa.Column('title', sa.Text(collation='C'), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), server_default='QUEUED', nullable=False),
    sa.Column('priority', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('content_type', sa.Text(), server_default='POST', nullable=False),
    sa.Column('content_structure', sa.Text(), server_default='ARTICLE', nullable=False),
    sa.Column('word_count_target', sa.Integer(), nullable=True),
    sa.Column('target_keyword', sa.Text(), nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sector_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("content_structure IN ('ARTICLE', 'GUIDE', 'COMPARISON', 'REVIEW', 'LISTICLE', 'LANDING_PAGE', 'BUSINESS_PAGE', 'SERVICE_PAGE', 'GENERAL', 'CLUSTER_HUB', 'PRODUCT_PAGE', 'CATEGORY_ARCHIVE', 'TAG_ARCHIVE', 'ATTRIBUTE_ARCHIVE')", name=op.f('ck_task_content_structure')),
    sa.CheckConstraint("content_type IN ('POST', 'PAGE', 'PRODUCT', 'SERVICE', 'TAXONOMY')", name=op.f('ck_task_content_type')),
    sa.CheckConstraint("status IN ('QUEUED', 'IN_PROGRESS', 'COMPLETED', 'FAILED')", name=op.f('ck_task_status')),
    sa.CheckConstraint('word_count_target > 0', name=op.f('ck_task_word_count_target')),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'cluster_id'], ['cluster.account_id', 'cluster.site_id', 'cluster.id'], name=op.f('fk_task_account_id_site_id_cluster_id'), ondelete='SET NULL (cluster_id)'),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'idea_id'], ['content_idea.account_id', 'content_idea.site_id', 'content_idea.id'], name=op.f('fk_task_account_id_site_id_idea_id'), ondelete='SET NULL (idea_id)'),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'sector_id'], ['sector.account_id', 'sector.site_id', 'sector.id'], name=op.f('fk_task_account_id_site_id_sector_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_task_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_task')),
    sa.UniqueConstraint('account_id', 'site_id', 'id', name=op.f('uq_task_account_id_site_id_id'))
    )
    op.create_index('ix_task_cluster_id', 'task', ['account_id', 'cluster_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_task_idea_id', 'task', ['account_id', 'idea_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_task_sector_id', 'task', ['account_id', 'sector_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_task_site_id', 'task', ['account_id', 'site_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_table('content',
    sa.Column('cluster_id', sa.Uuid(), nullable=True),
    sa.Column('task_id', sa.Uuid(), nullable=True),
    sa.Column('title', sa.Text(collation='C'), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('html_content', sa.Text(), nullable=False),
    sa.Column('excerpt', sa.Text(), nullable=True),
    sa.Column('word_count', sa.Integer(), nullable=False),
    sa.Column('status', sa.Text(), server_default='DRAFT', nullable=False),
    sa.Column('content_type', sa.Text(), server_default='POST', nullable=False),
    sa.Column('content_structure', sa.Text(), server_default='ARTICLE', nullable=False),
    sa.Column('source', sa.Text(), server_default='IGNY8', nullable=False),
    sa.Column('sync_status', sa.Text(), server_default='NATIVE', nullable=False),
    sa.Column('language', sa.Text(), nullable=False),
    sa.Column('meta_title', sa.Text(), nullable=True),
    sa.Column('meta_description', sa.Text(), nullable=True),
    sa.Column('primary_keyword', sa.Text(), nullable=True),
    sa.Column('secondary_keywords', postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('tags', postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('categories', postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('score', sa.Float(), nullable=True),
    sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('wp_post_id', sa.BigInteger(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('external_url', sa.Text(), nullable=True),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('generated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sector_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("content_structure IN ('ARTICLE', 'GUIDE', 'COMPARISON', 'REVIEW', 'LISTICLE', 'LANDING_PAGE', 'BUSINESS_PAGE', 'SERVICE_PAGE', 'GENERAL', 'CLUSTER_HUB', 'PRODUCT_PAGE', 'CATEGORY_ARCHIVE', 'TAG_ARCHIVE', 'ATTRIBUTE_ARCHIVE')", name=op.f('ck_content_content_structure')),
    sa.CheckConstraint("content_type IN ('POST', 'PAGE', 'PRODUCT', 'SERVICE', 'TAXONOMY')", name=op.f('ck_content_content_type')),
    sa.CheckConstraint("source IN ('IGNY8', 'WORDPRESS', 'CUSTOM')", name=op.f('ck_content_source')),
    sa.CheckConstraint("status IN ('DRAFT', 'REVIEW', 'PUBLISHED', 'ARCHIVED')", name=op.f('ck_content_status')),
    sa.CheckConstraint("sync_status IN ('NATIVE', 'IMPORTED', 'SYNCED')", name=op.f('ck_content_sync_status')),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'cluster_id'], ['cluster.account_id', 'cluster.site_id', 'cluster.id'], name=op.f('fk_content_account_id_site_id_cluster_id'), ondelete='SET NULL (cluster_id)'),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'sector_id'], ['sector.account_id', 'sector.site_id', 'sector.id'], name=op.f('fk_content_account_id_site_id_sector_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'task_id'], ['task.account_id', 'task.site_id', 'task.id'], name=op.f('fk_content_account_id_site_id_task_id'), ondelete='SET NULL (task_id)'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_content_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_content')),
    sa.UniqueConstraint('account_id', 'site_id', 'id', name=op.f('uq_content_account_id_site_id_id'))
    )
    op.create_index('ix_content_cluster_id', 'content', ['account_id', 'cluster_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_content_sector_id', 'content', ['account_id', 'sector_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_content_site_id', 'content', ['account_id', 'site_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('uq_content_slug', 'content', ['account_id', 'site_id', sa.literal_column('lower(slug)')], unique=True)
    op.create_index('uq_content_task_id', 'content', ['account_id', 'task_id'], unique=True)
    op.create_table('task_keyword',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('task_id', sa.Uuid(), nullable=False),
    sa.Column('keyword_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'keyword_id'], ['keyword.account_id', 'keyword.site_id', 'keyword.id'], name=op.f('fk_task_keyword_account_id_site_id_keyword_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'task_id'], ['task.account_id', 'task.site_id', 'task.id'], name=op.f('fk_task_keyword_account_id_site_id_task_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'task_id', 'keyword_id', name=op.f('pk_task_keyword'))
    )
    op.create_index('ix_task_keyword_keyword_id', 'task_keyword', ['account_id', 'keyword_id', 'task_id'], unique=False)
    op.create_table('image',
    sa.Column('content_id', sa.Uuid(), nullable=True),
    sa.Column('task_id', sa.Uuid(), nullable=True),
    sa.Column('image_type', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), server_default='PENDING', nullable=False),
    sa.Column('style', sa.Text(), nullable=True),
    sa.Column('prompt', sa.Text(), nullable=False),
    sa.Column('alt_text', sa.Text(), nullable=True),
    sa.Column('position', sa.Integer(), nullable=True),
    sa.Column('mime_type', sa.Text(), nullable=True),
    sa.Column('bytes', sa.Integer(), nullable=True),
    sa.Column('width', sa.Integer(), nullable=True),
    sa.Column('height', sa.Integer(), nullable=True),
    sa.Column('provider', sa.Text(), nullable=True),
    sa.Column('model', sa.Text(), nullable=True),
    sa.Column('cost_usd', sa.Numeric(precision=12, scale=6), nullable=True),
    sa.Column('sector_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("image_type IN ('FEATURED', 'IN_ARTICLE')", name=op.f('ck_image_image_type')),
    sa.CheckConstraint("status IN ('PENDING', 'GENERATING', 'GENERATED', 'FAILED')", name=op.f('ck_image_status')),
    sa.CheckConstraint("style IN ('REALISTIC', 'ARTISTIC', 'CARTOON')", name=op.f('ck_image_style')),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'content_id'], ['content.account_id', 'content.site_id', 'content.id'], name=op.f('fk_image_account_id_site_id_content_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'sector_id'], ['sector.account_id', 'sector.site_id', 'sector.id'], name=op.f('fk_image_account_id_site_id_sector_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'task_id'], ['task.account_id', 'task.site_id', 'task.id'], name=op.f('fk_image_account_id_site_id_task_id'), ondelete='SET NULL (task_id)'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_image_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_image')),
    sa.UniqueConstraint('account_id', 'site_id', 'id', name=op.f('uq_image_account_id_site_id_id'))
    )
    op.create_index('ix_image_content_id', 'image', ['account_id', 'content_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_image_sector_id', 'image', ['account_id', 'sector_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_image_site_id', 'image', ['account_id', 'site_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_image_task_id', 'image', ['account_id', 'task_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    _keep_clusters_right()
    _raise_walls()


def downgrade() -> None:
    op.drop_index('ix_image_task_id', table_name='image')
    op.drop_index('ix_image_site_id', table_name='image')
    op.drop_index('ix_image_sector_id', table_name='image')
    op.drop_index('ix_image_content_id', table_name='image')
    op.drop_table('image')
    op.drop_index('ix_task_keyword_keyword_id', table_name='task_keyword')
    op.drop_table('task_keyword')
    op.drop_index('uq_content_task_id', table_name='content')
    op.drop_index('uq_content_slug', table_name='content')
    op.drop_index('ix_content_site_id', table_name='content')
    op.drop_index('ix_content_sector_id', table_name='content')
    op.drop_index('ix_content_cluster_id', table_name='content')
    op.drop_table('content')
    op.drop_index('ix_task_site_id', table_name='task')
    op.drop_index('ix_task_sector_id', table_name='task')
    op.drop_index('ix_task_idea_id', table_name='task')
    op.drop_index('ix_task_cluster_id', table_name='task')
    op.drop_table('task')
    op.drop_index('ix_idea_keyword_keyword_id', table_name='idea_keyword')
    op.drop_table('idea_keyword')
    op.drop_index('ix_keyword_cluster_cluster_id', table_name='keyword_cluster')
    op.drop_table('keyword_cluster')
    op.drop_index('ix_content_idea_site_id', table_name='content_idea')
    op.drop_index('ix_content_idea_sector_id', table_name='content_idea')
    op.drop_index('ix_content_idea_cluster_id', table_name='content_idea')
    op.drop_table('content_idea')
    op.drop_index('uq_keyword_key', table_name='keyword')
    op.drop_index('ix_keyword_volume', table_name='keyword')
    op.drop_index('ix_keyword_site_id', table_name='keyword')
    op.drop_index('ix_keyword_sector_id', table_name='keyword')
    op.drop_index('ix_keyword_keyword', table_name='keyword')
    op.drop_index('ix_keyword_difficulty', table_name='keyword')
    op.drop_index('ix_keyword_created_at', table_name='keyword')
    op.drop_table('keyword')
    op.drop_index('uq_cluster_name', table_name='cluster')
    op.drop_index('ix_cluster_volume', table_name='cluster')
    op.drop_index('ix_cluster_site_id', table_name='cluster')
    op.drop_index('ix_cluster_sector_id', table_name='cluster')
    op.drop_table('cluster')
    op.execute('DROP FUNCTION refresh_linked, refresh_changed, refresh_clusters')


def _keep_clusters_right() -> None:
    # Sums of clusters and the status of keywords follow every change of keywords and links, in its transaction.
    op.execute("""
        CREATE FUNCTION refresh_clusters(accounts uuid[], clusters uuid[]) RETURNS void LANGUAGE sql AS $$
            UPDATE cluster c SET
                keywords_count = coalesce(s.keywords, 0),
                volume = coalesce(s.volume, 0),
                difficulty = s.difficulty,
                dominant_intent = coalesce(s.intent, 'UNKNOWN'),
                mixed_intent = coalesce(s.intents, 0) > 1
            FROM unnest(accounts, clusters) AS wanted(account_id, id)
            LEFT JOIN LATERAL (
                SELECT count(*)::int AS keywords, sum(k.volume) AS volume,
                       sum(k.difficulty * greatest(k.volume, 1)) FILTER (WHERE k.difficulty IS NOT NULL)::float
                           / nullif(sum(greatest(k.volume, 1)) FILTER (WHERE k.difficulty IS NOT NULL), 0) AS difficulty,
                       mode() WITHIN GROUP (ORDER BY k.intent) AS intent, count(DISTINCT k.intent) AS intents
                FROM keyword_cluster l
                JOIN keyword k ON k.account_id = l.account_id AND k.id = l.keyword_id
                WHERE l.account_id = wanted.account_id AND l.cluster_id = wanted.id
            ) s ON true
            WHERE c.account_id = wanted.account_id AND c.id = wanted.id
        $$
    """)
    op.execute("""
        CREATE FUNCTION refresh_linked() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM refresh_clusters(array_agg(l.account_id), array_agg(l.cluster_id))
            FROM (SELECT DISTINCT account_id, cluster_id FROM changed) l;
            UPDATE keyword k SET clusters_count = linked.clusters, status = CASE
                WHEN k.status = 'ARCHIVED' THEN k.status WHEN linked.clusters > 0 THEN 'CLUSTERED' ELSE 'NEW' END
            FROM (
                SELECT c.account_id, c.keyword_id, (
                    SELECT count(*) FROM keyword_cluster l
                    WHERE l.account_id = c.account_id AND l.keyword_id = c.keyword_id
                ) AS clusters
                FROM (SELECT DISTINCT account_id, keyword_id FROM changed) c
            ) linked
            WHERE k.account_id = linked.account_id AND k.id = linked.keyword_id
              AND k.clusters_count <> linked.clusters;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE FUNCTION refresh_changed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM refresh_clusters(array_agg(touched.account_id), array_agg(touched.cluster_id))
            FROM (
                SELECT DISTINCT l.account_id, l.cluster_id FROM newer n
                JOIN older o ON o.account_id = n.account_id AND o.id = n.id
                JOIN keyword_cluster l ON l.account_id = n.account_id AND l.keyword_id = n.id
                WHERE (n.volume, n.difficulty, n.intent) IS DISTINCT FROM (o.volume, o.difficulty, o.intent)
            ) touched;
            RETURN NULL;
        END $$
    """)
    for event, rows in (("INSERT", "NEW"), ("DELETE", "OLD")):
        op.execute(
            f"CREATE TRIGGER keyword_cluster_refreshed_{event.lower()} AFTER {event} ON keyword_cluster "
            f"REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION refresh_linked()"
        )
    op.execute(
        "CREATE TRIGGER keyword_refreshed AFTER UPDATE ON keyword "
        "REFERENCING OLD TABLE AS older NEW TABLE AS newer FOR EACH STATEMENT EXECUTE FUNCTION refresh_changed()"
    )


def _raise_walls() -> None:
    counted = {
        "keyword": "KEYWORDS",
        "cluster": "CLUSTERS",
        "content_idea": "IDEAS",
        "task": "TASKS",
        "content": "CONTENTS",
        "image": "IMAGES",
    }
    for table, limit in counted.items():
        protect(table, member=ALL, member_site="site_id")
        count_rows(table, limit)
        planned_for_large_accounts(table, "account_id", "site_id", "sector_id")
    for table in ("keyword_cluster", "idea_keyword", "task_keyword"):
        protect(table, member=ALL, member_site="site_id")
