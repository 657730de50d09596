"""A programme of one's own: from a file that its operator writes into the ledger."""
