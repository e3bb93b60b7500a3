"""The point-in-time join: training rows against two views, 30 features, as Feast's `get_historical_features`."""
