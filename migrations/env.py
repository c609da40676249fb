"""Runs the migrations on the connection that `igny8 migrate` (or the drift check) hands over."""

from alembic import context

from igny8.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, compare_type=True, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
