"""Values: money, time, identifiers, ticket codes, reasons. No I/O; only `clock` reads the time."""
