"""Columns to bytes and back: how the rows of a feature view lie in the online store, one packed value a row."""
