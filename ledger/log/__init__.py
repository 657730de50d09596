"""The log: one table, gapless positions, one append."""
