"""Decisions: given the same history, reference data, command and time, the same answer. No I/O."""
