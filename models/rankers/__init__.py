"""Kinds of rankers behind one interface: each is fitted to `Examples` and scores a float32 matrix."""
