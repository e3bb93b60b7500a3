"""Point-in-time history behind the offline store: what is read, how it is joined as of a time, how it streams."""
