"""Ingest: from a filled bus to committed tiles, each event exactly once in effect."""
