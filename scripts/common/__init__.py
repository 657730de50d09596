"""What the commands share: options, the opened ledger, output, and how they end."""
