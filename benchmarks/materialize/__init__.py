"""Materialization: the latest row of every key, 20 features, from Parquet into the online store."""
