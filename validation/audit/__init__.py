"""The skew audit: served values recomputed offline from what they were made of, and compared bit by bit."""
