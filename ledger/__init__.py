"""Facts, rules and the log. It decides and appends; nothing outside it does either."""
