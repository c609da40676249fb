"""Which migration of the database this code needs. Alembic knows it, too, and is not worth loading for that."""

from pathlib import Path


def migrations() -> Path:
    """The folder of the migrations: in the package, or beside it in a clone."""
    packaged = Path(__file__).parent / "migrations"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "migrations"


def needed() -> str:
    """The revision of the newest migration: they are named by their numbers."""
    return max(path.name.partition("_")[0] for path in (migrations() / "versions").glob("[0-9]*_*.py"))
