"""The one store: replies, leases, spending and runs, in SQLite or PostgreSQL.

Nothing is imported here, so that importing the package opens no database and loads no SQLAlchemy.
`database` knows the dialects, `tables` the columns, `responses` and `batch` the paid replies,
`runs` the results, `codec` their JSON form, `lock` the run folder.
"""
