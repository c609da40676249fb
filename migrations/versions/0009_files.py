"""Stored files, uploads, and the files of images."""

import sqlalchemy as sa
from alembic import op

from igny8.tenancy import protect

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('stored_file',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=True),
    sa.Column('bytes', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('bytes >= 0', name=op.f('ck_stored_file_bytes')),
    sa.CheckConstraint(r"key ~ ('^' || replace(account_id::text, '-', '') || '/[0-9a-f]{64}\.[a-z]{2,5}$')", name=op.f('ck_stored_file_key')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_stored_file_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'key', name=op.f('pk_stored_file')),
    sa.UniqueConstraint('account_id', 'site_id', 'key', name=op.f('uq_stored_file_account_id_site_id_key'))
    )
    op.create_index('ix_stored_file_expires_at', 'stored_file', ['expires_at'], unique=False, postgresql_where=sa.text('expires_at IS NOT NULL'))
    op.create_table('upload',
    sa.Column('filename', sa.Text(), nullable=False),
    sa.Column('mime_type', sa.Text(), nullable=False),
    sa.Column('bytes', sa.Integer(), nullable=False),
    sa.Column('file_key', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('site_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint('bytes > 0', name=op.f('ck_upload_bytes')),
    sa.ForeignKeyConstraint(['account_id', 'site_id', 'file_key'], ['stored_file.account_id', 'stored_file.site_id', 'stored_file.key'], name=op.f('fk_upload_account_id_site_id_file_key'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id', 'site_id'], ['site.account_id', 'site.id'], name=op.f('fk_upload_account_id_site_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_upload_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'id', name=op.f('pk_upload'))
    )
    op.create_index('ix_upload_expires_at', 'upload', ['expires_at'], unique=False)
    op.create_index('ix_upload_file_key', 'upload', ['account_id', 'file_key'], unique=False)
    op.create_index('ix_upload_site_id', 'upload', ['account_id', 'site_id'], unique=False)
    _give_images_files()
    _count_bytes()
    protect('stored_file', member='SELECT, INSERT, UPDATE', member_site='site_id')
    protect('upload', member='SELECT, INSERT, UPDATE', member_site='site_id')


def downgrade() -> None:
    op.execute('DROP TRIGGER job_item_followed_by_image ON job_item')
    op.execute('DROP TRIGGER image_lets_go ON image')
    op.execute('DROP TRIGGER image_lets_go_of_old ON image')
    op.drop_constraint('fk_image_account_id_site_id_file_key', 'image')
    op.drop_constraint('fk_image_account_id_site_id_thumbnail_key', 'image')
    op.drop_constraint(op.f('ck_image_file_key'), 'image')
    op.drop_constraint(op.f('ck_image_error_code'), 'image')
    op.drop_index('ix_image_file_key', table_name='image')
    op.drop_index('ix_image_thumbnail_key', table_name='image')
    for column in _COLUMNS:
        op.drop_column('image', column)
    op.drop_index('ix_upload_site_id', table_name='upload')
    op.drop_index('ix_upload_file_key', table_name='upload')
    op.drop_index('ix_upload_expires_at', table_name='upload')
    op.drop_table('upload')
    op.drop_index('ix_stored_file_expires_at', table_name='stored_file', postgresql_where=sa.text('expires_at IS NOT NULL'))
    op.drop_table('stored_file')
    op.execute('DROP FUNCTION image_follows, let_files_go, count_bytes')


_COLUMNS = ('anchor', 'file_key', 'thumbnail_key', 'error_code', 'error_message', 'error_retryable')


def _give_images_files() -> None:
    op.add_column('image', sa.Column('anchor', sa.Text(), nullable=True))
    op.add_column('image', sa.Column('file_key', sa.Text(), nullable=True))
    op.add_column('image', sa.Column('thumbnail_key', sa.Text(), nullable=True))
    op.add_column('image', sa.Column('error_code', sa.Text(), nullable=True))
    op.add_column('image', sa.Column('error_message', sa.Text(), nullable=True))
    op.add_column('image', sa.Column('error_retryable', sa.Boolean(), nullable=True))
    op.create_check_constraint(op.f('ck_image_file_key'), 'image', '(file_key IS NULL) = (thumbnail_key IS NULL)')
    op.create_check_constraint(
        op.f('ck_image_error_code'),
        'image',
        '(error_code IS NULL) = (error_message IS NULL) AND (error_code IS NULL) = (error_retryable IS NULL)',
    )
    for column in ('file_key', 'thumbnail_key'):
        op.create_foreign_key(
            f'fk_image_account_id_site_id_{column}',
            'image',
            'stored_file',
            ['account_id', 'site_id', column],
            ['account_id', 'site_id', 'key'],
        )
        op.create_index(f'ix_image_{column}', 'image', ['account_id', column], unique=False)
    # However an image goes, by a cascade included: what it referred to is pruned soon after.
    op.execute("""
        CREATE FUNCTION let_files_go() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE stored_file SET expires_at = now()
            WHERE account_id = OLD.account_id AND key IN (OLD.file_key, OLD.thumbnail_key);
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER image_lets_go AFTER DELETE ON image
        FOR EACH ROW WHEN (OLD.file_key IS NOT NULL) EXECUTE FUNCTION let_files_go()
    """)
    op.execute("""
        CREATE TRIGGER image_lets_go_of_old AFTER UPDATE OF file_key ON image
        FOR EACH ROW WHEN (OLD.file_key IS DISTINCT FROM NEW.file_key AND OLD.file_key IS NOT NULL)
        EXECUTE FUNCTION let_files_go()
    """)
    # An image shows how the job that draws it fares; the job itself tells of what it has drawn.
    op.execute("""
        CREATE FUNCTION image_follows() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE image SET
                updated_at = now(),
                error_code = NEW.error_code,
                error_message = NEW.error_message,
                error_retryable = NEW.error_retryable,
                status = CASE
                    WHEN NEW.state IN ('RUNNING', 'RETRYING') THEN 'GENERATING'
                    WHEN file_key IS NOT NULL THEN 'GENERATED'
                    WHEN NEW.state = 'FAILED' THEN 'FAILED'
                    ELSE 'PENDING' END
            WHERE account_id = NEW.account_id AND id = NEW.subject_id;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER job_item_followed_by_image AFTER UPDATE OF state ON job_item FOR EACH ROW
        WHEN (NEW.subject_kind = 'image' AND NEW.state <> OLD.state AND NEW.state <> 'SUCCEEDED')
        EXECUTE FUNCTION image_follows()
    """)


def _count_bytes() -> None:
    """Keep `limit_usage` of STORAGE_MB: an exact counter of KB (each file rounded up) and the MB that follow from it."""
    op.execute("""
        CREATE FUNCTION count_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            delta record;
            kilobytes int;
        BEGIN
            FOR delta IN EXECUTE CASE TG_OP
                WHEN 'INSERT' THEN 'SELECT account_id, sum((bytes + 1023) / 1024)::int AS kb FROM fresh GROUP BY 1'
                WHEN 'DELETE' THEN 'SELECT account_id, -sum((bytes + 1023) / 1024)::int AS kb FROM stale GROUP BY 1'
                ELSE 'SELECT account_id, sum(kb)::int AS kb FROM (
                          SELECT account_id, (bytes + 1023) / 1024 AS kb FROM fresh
                          UNION ALL SELECT account_id, -((bytes + 1023) / 1024) FROM stale) both_sides GROUP BY 1'
                END
            LOOP
                CONTINUE WHEN delta.kb = 0;
                UPDATE limit_usage SET used = used + delta.kb
                WHERE account_id = delta.account_id AND "limit" = 'STORAGE_KB' RETURNING used INTO kilobytes;
                IF NOT FOUND AND delta.kb > 0 THEN
                    INSERT INTO limit_usage AS u (account_id, "limit", used)
                    VALUES (delta.account_id, 'STORAGE_KB', delta.kb)
                    ON CONFLICT (account_id, "limit") DO UPDATE SET used = u.used + excluded.used
                    RETURNING used INTO kilobytes;
                END IF;
                INSERT INTO limit_usage (account_id, "limit", used)
                SELECT delta.account_id, 'STORAGE_MB', (kilobytes + 1023) / 1024 WHERE kilobytes IS NOT NULL
                ON CONFLICT (account_id, "limit") DO UPDATE SET used = excluded.used;
            END LOOP;
            RETURN NULL;
        END $$
    """)
    for event, tables in (
        ('INSERT', 'NEW TABLE AS fresh'),
        ('DELETE', 'OLD TABLE AS stale'),
        ('UPDATE', 'NEW TABLE AS fresh OLD TABLE AS stale'),
    ):
        op.execute(
            f'CREATE TRIGGER stored_file_counted_{event.lower()} AFTER {event} ON stored_file '
            f'REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION count_bytes()'
        )
