"""Derived features of the bench: pure functions of columns, rows, windows and the request's time among them."""

import numpy as np

NAMES = ("click_rate_10m", "click_rate_1h", "click_rate_24h", "slope", "creator_share", "hour", "lift")


def derive(columns):
    """All of them, float32 [rows]; lists of numbers for Feast, which asks with lists."""
    given = {name: np.asarray(values, np.float64) for name, values in columns.items()}
    rates = {
        suffix: (given[f"i_views_{suffix}"] + 1) / (given[f"i_impressions_{suffix}"] + 10)
        for suffix in ("10m", "1h", "24h")
    }
    user = np.where(given["u_views_24h"] > 0, given["u_views_24h"], np.nan)
    made = {
        **{f"click_rate_{suffix}": rate for suffix, rate in rates.items()},
        "slope": given["i_views_10m"] * 6 - given["i_views_1h"],
        "creator_share": given["x_views_24h"] / user,
        "hour": given["request_time"] // 3_600e6 % 24,
        "lift": rates["1h"] / (given["i0"] + 0.01),
    }
    single = {name: values.astype(np.float32) for name, values in made.items()}
    if isinstance(columns["request_time"], list):
        return {name: list(values) for name, values in single.items()}
    return single
