"""Windowed views: Feast's aggregations over events, kept as tiles online, answered from the event log offline."""
