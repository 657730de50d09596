"""HTTP: parse, name the caller, call one service function, answer. No rules, no SQL."""
