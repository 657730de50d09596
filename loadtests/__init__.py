"""Load, yardsticks to hold it against, and an audit of the books that it leaves."""
