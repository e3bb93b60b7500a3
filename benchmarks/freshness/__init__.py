"""Freshness: from the moment that publishing returned until a reader sees the event."""
