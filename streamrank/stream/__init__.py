"""The worker that brings events from the bus into the windows: shards leased with epochs, each batch applied once.

What a shard's owner may do is decided by the server alone, in scripts on one hash a shard; see `leases`, `intents` and
`generations` for its fields.
"""
