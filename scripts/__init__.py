"""The `souche` command line: serve a ledger, work with it, look at it."""
