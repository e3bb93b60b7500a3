"""Ranking live items over HTTP while events stream in: row, windowed and derived features of 1,000 items."""
