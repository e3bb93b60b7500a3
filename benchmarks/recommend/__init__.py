"""The whole request over HTTP: sources, features, ranker, re-ranking, on a catalogue of the size of a service's."""
