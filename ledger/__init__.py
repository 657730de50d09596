"""Facts, rules and the log: the only package that decides or appends."""
