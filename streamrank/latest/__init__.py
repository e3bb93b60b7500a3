"""Views of the latest acts of a key: its recent history as arrays, exact at any instant offline, live online."""
