"""Clusters and ideas follow what belongs to them, also when several people change it at once."""

from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _let_writers_wait()
    _let_clusters_follow_ideas()
    _let_ideas_follow_tasks()
    _catch_up()


def downgrade() -> None:
    for table in ('content', 'task'):
        for event in ('insert', 'delete', 'update'):
            op.execute(f'DROP TRIGGER {table}_followed_by_ideas_{event} ON {table}')
    for event in ('insert', 'delete', 'update'):
        op.execute(f'DROP TRIGGER content_idea_followed_by_clusters_{event} ON content_idea')
    for event in ('insert', 'delete'):
        op.execute(f'DROP TRIGGER keyword_cluster_held_{event} ON keyword_cluster')
    op.execute('DROP TRIGGER keyword_held ON keyword')
    op.execute(
        'DROP FUNCTION hold_linked, hold_changed, map_clusters, follow_ideas, follow_moved_idea, queue_ideas,'
        ' follow_tasks, follow_moved_task, follow_contents, follow_moved_content'
    )


def _let_writers_wait() -> None:
    # Sums are taken by the triggers called ..._refreshed, after these by their names. Who changes a keyword or a link
    # has to wait for whoever else is changing it, and then see what that one did: keywords first, then clusters,
    # each in the order of their ids.
    op.execute("""
        CREATE FUNCTION hold_linked() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM FROM keyword k
            WHERE (k.account_id, k.id) IN (SELECT account_id, keyword_id FROM changed)
            ORDER BY k.id FOR NO KEY UPDATE;
            PERFORM FROM cluster c
            WHERE (c.account_id, c.id) IN (SELECT account_id, cluster_id FROM changed)
            ORDER BY c.id FOR NO KEY UPDATE;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE FUNCTION hold_changed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM FROM cluster c
            WHERE (c.account_id, c.id) IN (
                SELECT l.account_id, l.cluster_id FROM newer n
                JOIN older o ON o.account_id = n.account_id AND o.id = n.id
                JOIN keyword_cluster l ON l.account_id = n.account_id AND l.keyword_id = n.id
                WHERE (n.volume, n.difficulty, n.intent) IS DISTINCT FROM (o.volume, o.difficulty, o.intent)
            )
            ORDER BY c.id FOR NO KEY UPDATE;
            RETURN NULL;
        END $$
    """)
    for event, rows in (('INSERT', 'NEW'), ('DELETE', 'OLD')):
        op.execute(
            f'CREATE TRIGGER keyword_cluster_held_{event.lower()} AFTER {event} ON keyword_cluster '
            f'REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION hold_linked()'
        )
    op.execute(
        'CREATE TRIGGER keyword_held AFTER UPDATE ON keyword '
        'REFERENCING OLD TABLE AS older NEW TABLE AS newer FOR EACH STATEMENT EXECUTE FUNCTION hold_changed()'
    )


def _let_clusters_follow_ideas() -> None:
    op.execute("""
        CREATE FUNCTION map_clusters(accounts uuid[], clusters uuid[]) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM FROM cluster c
            WHERE (c.account_id, c.id) IN (SELECT * FROM unnest(accounts, clusters))
            ORDER BY c.id FOR NO KEY UPDATE;
            UPDATE cluster c SET status = derived.status
            FROM (
                SELECT u.account_id, u.id, CASE WHEN EXISTS (
                    SELECT FROM content_idea i WHERE i.account_id = u.account_id AND i.cluster_id = u.id
                ) THEN 'MAPPED' ELSE 'NEW' END AS status
                FROM unnest(accounts, clusters) AS u (account_id, id)
            ) derived
            WHERE c.account_id = derived.account_id AND c.id = derived.id
              AND c.status NOT IN ('ARCHIVED', derived.status);
        END $$
    """)
    op.execute("""
        CREATE FUNCTION follow_ideas() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM map_clusters(array_agg(i.account_id), array_agg(i.cluster_id))
            FROM (SELECT DISTINCT account_id, cluster_id FROM changed WHERE cluster_id IS NOT NULL) i
            HAVING count(*) > 0;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE FUNCTION follow_moved_idea() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM map_clusters(ARRAY[NEW.account_id, NEW.account_id], ARRAY[OLD.cluster_id, NEW.cluster_id]);
            RETURN NULL;
        END $$
    """)
    _follow('content_idea', 'clusters', 'follow_ideas', 'follow_moved_idea', 'cluster_id')


def _let_ideas_follow_tasks() -> None:
    op.execute("""
        CREATE FUNCTION queue_ideas(accounts uuid[], ideas uuid[]) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM FROM content_idea i
            WHERE (i.account_id, i.id) IN (SELECT * FROM unnest(accounts, ideas))
            ORDER BY i.id FOR NO KEY UPDATE;
            UPDATE content_idea i SET status = derived.status
            FROM (
                SELECT u.account_id, u.id, CASE
                    WHEN bool_or(c.id IS NOT NULL) THEN 'COMPLETED'
                    WHEN bool_or(t.id IS NOT NULL) THEN 'QUEUED'
                    ELSE 'NEW' END AS status
                FROM unnest(accounts, ideas) AS u (account_id, id)
                LEFT JOIN task t ON t.account_id = u.account_id AND t.idea_id = u.id
                LEFT JOIN content c ON c.account_id = t.account_id AND c.task_id = t.id
                GROUP BY u.account_id, u.id
            ) derived
            WHERE i.account_id = derived.account_id AND i.id = derived.id
              AND i.status NOT IN ('ARCHIVED', derived.status);
        END $$
    """)
    op.execute("""
        CREATE FUNCTION follow_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM queue_ideas(array_agg(t.account_id), array_agg(t.idea_id))
            FROM (SELECT DISTINCT account_id, idea_id FROM changed WHERE idea_id IS NOT NULL) t
            HAVING count(*) > 0;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE FUNCTION follow_moved_task() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM queue_ideas(ARRAY[NEW.account_id, NEW.account_id], ARRAY[OLD.idea_id, NEW.idea_id]);
            RETURN NULL;
        END $$
    """)
    # A task may be given to another idea while its content comes or goes: whoever is second waits for the first.
    op.execute("""
        CREATE FUNCTION follow_contents() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM FROM task t
            WHERE (t.account_id, t.id) IN (SELECT account_id, task_id FROM changed)
            ORDER BY t.id FOR NO KEY UPDATE;
            PERFORM queue_ideas(array_agg(i.account_id), array_agg(i.idea_id))
            FROM (
                SELECT DISTINCT t.account_id, t.idea_id FROM changed c
                JOIN task t ON t.account_id = c.account_id AND t.id = c.task_id
                WHERE t.idea_id IS NOT NULL
            ) i
            HAVING count(*) > 0;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE FUNCTION follow_moved_content() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM FROM task t
            WHERE t.account_id = NEW.account_id AND t.id IN (OLD.task_id, NEW.task_id)
            ORDER BY t.id FOR NO KEY UPDATE;
            PERFORM queue_ideas(array_agg(t.account_id), array_agg(t.idea_id))
            FROM task t
            WHERE t.account_id = NEW.account_id AND t.id IN (OLD.task_id, NEW.task_id) AND t.idea_id IS NOT NULL
            HAVING count(*) > 0;
            RETURN NULL;
        END $$
    """)
    _follow('task', 'ideas', 'follow_tasks', 'follow_moved_task', 'idea_id')
    _follow('content', 'ideas', 'follow_contents', 'follow_moved_content', 'task_id')


def _follow(table: str, followers: str, in_bulk: str, moved: str, column: str) -> None:
    for event, rows in (('INSERT', 'NEW'), ('DELETE', 'OLD')):
        op.execute(
            f'CREATE TRIGGER {table}_followed_by_{followers}_{event.lower()} AFTER {event} ON {table} '
            f'REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {in_bulk}()'
        )
    op.execute(
        f'CREATE TRIGGER {table}_followed_by_{followers}_update AFTER UPDATE OF {column} ON {table} FOR EACH ROW '
        f'WHEN (OLD.{column} IS DISTINCT FROM NEW.{column}) EXECUTE FUNCTION {moved}()'
    )


def _catch_up() -> None:
    op.execute('SELECT map_clusters(array_agg(account_id), array_agg(id)) FROM cluster HAVING count(*) > 0')
    op.execute('SELECT queue_ideas(array_agg(account_id), array_agg(id)) FROM content_idea HAVING count(*) > 0')
