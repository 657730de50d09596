"""What can go wrong between us and PostgreSQL, in two kinds: to a caller it matters which."""


class PostgresUnavailableError(Exception):
    """No PostgreSQL to work with; the message says what to do about it."""


class MigrationRefusedError(Exception):
    """The schema's history and this code's migrations disagree; nothing was changed."""
