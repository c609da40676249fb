"""Versions of contents, how they were written, and tasks that follow the jobs that write them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from igny8.tenancy import protect

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('task', sa.Column('author_profile_id', sa.Uuid(), nullable=True))
    op.add_column('task', sa.Column('strategy_id', sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f('fk_task_account_id_author_profile_id'), 'task', 'author_profile', ['account_id', 'author_profile_id'], ['account_id', 'id'], ondelete='SET NULL (author_profile_id)')
    op.create_foreign_key(op.f('fk_task_account_id_strategy_id'), 'task', 'strategy', ['account_id', 'strategy_id'], ['account_id', 'id'], ondelete='SET NULL (strategy_id)')
    op.create_index('ix_task_author_profile_id', 'task', ['account_id', 'author_profile_id'], unique=False)
    op.create_index('ix_task_strategy_id', 'task', ['account_id', 'strategy_id'], unique=False)
    op.add_column('content', sa.Column('author_profile_id', sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f('fk_content_account_id_author_profile_id'), 'content', 'author_profile', ['account_id', 'author_profile_id'], ['account_id', 'id'], ondelete='SET NULL (author_profile_id)')
    op.create_index('ix_content_author_profile_id', 'content', ['account_id', 'author_profile_id'], unique=False)
    op.create_table('content_revision',
    sa.Column('content_id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('html_content', sa.Text(), nullable=False),
    sa.Column('excerpt', sa.Text(), nullable=True),
    sa.Column('meta_title', sa.Text(), nullable=True),
    sa.Column('meta_description', sa.Text(), nullable=True),
    sa.Column('tags', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('categories', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('author', sa.Text(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('job_id', sa.Uuid(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint("author IN ('AI', 'USER', 'LINKER', 'OPTIMIZER', 'SYNC', 'RESTORE')", name=op.f('ck_content_revision_author')),
    sa.ForeignKeyConstraint(['account_id', 'job_id'], ['job.account_id', 'job.id'], name=op.f('fk_content_revision_account_id_job_id'), ondelete='SET NULL (job_id)'),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'content_id'], ['content.account_id', 'content.site_id', 'content.id'], name=op.f('fk_content_revision_account_id_site_id_content_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id', 'user_id'], ['app_user.account_id', 'app_user.id'], name=op.f('fk_content_revision_account_id_user_id'), ondelete='SET NULL (user_id)'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_content_revision_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_content_revision')),
    sa.UniqueConstraint('account_id', 'content_id', 'version', name=op.f('uq_content_revision_account_id_content_id_version'))
    )
    op.create_index('ix_content_revision_job_id', 'content_revision', ['account_id', 'job_id'], unique=False)
    op.create_index('ix_content_revision_user_id', 'content_revision', ['account_id', 'user_id'], unique=False)
    op.create_table('content_generation',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('content_id', sa.Uuid(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('provider', sa.Text(), nullable=False),
    sa.Column('model', sa.Text(), nullable=False),
    sa.Column('prompt_version', sa.Integer(), nullable=True),
    sa.Column('tokens_input', sa.Integer(), nullable=True),
    sa.Column('tokens_output', sa.Integer(), nullable=True),
    sa.Column('cost_usd', sa.Numeric(precision=12, scale=6), nullable=True),
    sa.Column('credits_used', sa.Integer(), nullable=False),
    sa.Column('job_id', sa.Uuid(), nullable=True),
    sa.Column('generated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['account_id', 'job_id'], ['job.account_id', 'job.id'], name=op.f('fk_content_generation_account_id_job_id'), ondelete='SET NULL (job_id)'),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'content_id'], ['content.account_id', 'content.site_id', 'content.id'], name=op.f('fk_content_generation_account_id_site_id_content_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'content_id', name=op.f('pk_content_generation'))
    )
    op.create_index('ix_content_generation_job_id', 'content_generation', ['account_id', 'job_id'], unique=False)
    _keep_first_versions()
    _let_tasks_follow()
    protect('content_revision', app='SELECT, INSERT', member='SELECT, INSERT', member_site='site_id')
    protect('content_generation', app='SELECT, INSERT, UPDATE', member='SELECT', member_site='site_id')


def downgrade() -> None:
    for table in ('job', 'job_item', 'content'):
        op.execute(f'DROP TRIGGER {table}_followed_by_tasks ON {table}')
    op.execute('DROP TRIGGER content_left_by_tasks ON content')
    op.execute('DROP FUNCTION tasks_follow_job, tasks_follow_item, tasks_follow_content, tasks_follow_deletion')
    op.drop_index('ix_content_generation_job_id', table_name='content_generation')
    op.drop_table('content_generation')
    op.drop_index('ix_content_revision_user_id', table_name='content_revision')
    op.drop_index('ix_content_revision_job_id', table_name='content_revision')
    op.drop_table('content_revision')
    op.drop_index('ix_content_author_profile_id', table_name='content')
    op.drop_constraint(op.f('fk_content_account_id_author_profile_id'), 'content')
    op.drop_column('content', 'author_profile_id')
    op.drop_index('ix_task_strategy_id', table_name='task')
    op.drop_index('ix_task_author_profile_id', table_name='task')
    op.drop_constraint(op.f('fk_task_account_id_strategy_id'), 'task')
    op.drop_constraint(op.f('fk_task_account_id_author_profile_id'), 'task')
    op.drop_column('task', 'strategy_id')
    op.drop_column('task', 'author_profile_id')


def _keep_first_versions() -> None:
    # Contents that are there already: what they are now is the version that can be gone back to.
    op.execute("""
        INSERT INTO content_revision (account_id, id, site_id, content_id, version, title, slug, html_content, excerpt,
            meta_title, meta_description, tags, categories, author, created_at)
        SELECT account_id, gen_random_uuid(), site_id, id, version, title, slug, html_content, excerpt,
            meta_title, meta_description, tags, categories,
            CASE source WHEN 'WORDPRESS' THEN 'SYNC' WHEN 'IGNY8' THEN 'AI' ELSE 'USER' END, updated_at
        FROM content
    """)


def _let_tasks_follow() -> None:
    # The status of a task follows the job that writes it and the content that it has, in their transactions.
    op.execute("""
        CREATE FUNCTION tasks_follow_job() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE task SET status = 'IN_PROGRESS', updated_at = now()
            FROM job_item i
            WHERE i.account_id = NEW.account_id AND i.job_id = NEW.id AND i.subject_kind = 'task'
              AND i.state IN ('QUEUED', 'RUNNING', 'RETRYING')
              AND task.account_id = i.account_id AND task.id = i.subject_id AND task.status <> 'IN_PROGRESS';
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE FUNCTION tasks_follow_item() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE task SET updated_at = now(), status = CASE
                WHEN NEW.state = 'SUCCEEDED' THEN 'COMPLETED'
                WHEN NEW.state = 'FAILED' THEN 'FAILED'
                WHEN NEW.state <> 'CANCELLED' THEN 'IN_PROGRESS'
                WHEN EXISTS (
                    SELECT FROM content c WHERE c.account_id = task.account_id AND c.task_id = task.id
                ) THEN 'COMPLETED'
                ELSE 'QUEUED' END
            FROM job j
            WHERE j.account_id = NEW.account_id AND j.id = NEW.job_id AND j.kind = 'GENERATE_CONTENT'
              AND task.account_id = NEW.account_id AND task.id = NEW.subject_id;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE FUNCTION tasks_follow_content() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE task SET status = 'COMPLETED', updated_at = now() FROM changed c
            WHERE task.account_id = c.account_id AND task.id = c.task_id AND task.status <> 'COMPLETED';
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE FUNCTION tasks_follow_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE task SET status = 'QUEUED', updated_at = now() FROM changed c
            WHERE task.account_id = c.account_id AND task.id = c.task_id AND task.status IN ('COMPLETED', 'FAILED');
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER job_followed_by_tasks AFTER UPDATE OF state ON job FOR EACH ROW
        WHEN (NEW.kind = 'GENERATE_CONTENT' AND NEW.items_total > 0 AND NEW.state = 'RUNNING' AND OLD.state <> 'RUNNING')
        EXECUTE FUNCTION tasks_follow_job()
    """)
    op.execute("""
        CREATE TRIGGER job_item_followed_by_tasks AFTER UPDATE OF state ON job_item FOR EACH ROW
        WHEN (NEW.subject_kind = 'task' AND NEW.state <> OLD.state) EXECUTE FUNCTION tasks_follow_item()
    """)
    op.execute(
        "CREATE TRIGGER content_followed_by_tasks AFTER INSERT ON content "
        "REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tasks_follow_content()"
    )
    op.execute(
        "CREATE TRIGGER content_left_by_tasks AFTER DELETE ON content "
        "REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tasks_follow_deletion()"
    )
