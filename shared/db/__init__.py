"""PostgreSQL: the pool, named queries, and locks. Migrations are run by `shared.db.migrate`."""

from shared.db.database import Connection, Database, conflict_on
from shared.db.locks import deletion_allowed
from shared.db.queries import Queries, load_queries

__all__ = ["Connection", "Database", "Queries", "conflict_on", "deletion_allowed", "load_queries"]
