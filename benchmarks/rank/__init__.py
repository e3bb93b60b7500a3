"""Ranking over HTTP: a BentoML service that reads the 40 features of 1,000 items and scores them with XGBoost."""
