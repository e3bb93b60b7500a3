"""Windowed views at times of the past, from the event log: whole columns in DuckDB, linear in rows plus events."""
