"""Windowed features: a training set of them from the event log, and the read of a request's."""
