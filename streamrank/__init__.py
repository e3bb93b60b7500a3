"""streamrank: the engine that makes Feast's declarations run, exact offline and fresh online."""

__version__ = "0.1.0"
