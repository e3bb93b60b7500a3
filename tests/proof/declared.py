"""The live views of feature_repo written down a second time, as rules over one event in plain Python."""

from proof.recount import Event, Feature, View

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
WINDOWS = {
    "10m": (10 * MINUTE, MINUTE), "30m": (30 * MINUTE, MINUTE), "1h": (HOUR, 5 * MINUTE), "24h": (DAY, HOUR),
    "168h": (7 * DAY, 6 * HOUR),
}  # fmt: skip
SHOWN = ("impressions", "clicks", "views")
SIGNS = (*SHOWN, "likes", "follows", "shares", "notifications", "watch_ms", "sessions", "long_sessions")


def _kind(*kinds: str):
    return lambda event: 1 if event["event_type"] in kinds else None


def _likes(event: Event) -> int | None:
    rated = event["event_type"] in ("view", "rating") and event["value"] is not None and event["value"] >= 4
    return 1 if rated or event["event_type"] == "like" else None


def _long(event: Event) -> int | None:
    long = event["event_type"] == "session" and (event["duration_ms"] or 0) > 300_000
    return 1 if long else None


COLUMNS = {
    "impressions": _kind("impression"), "clicks": _kind("click"), "views": _kind("view"), "likes": _likes,
    "follows": _kind("follow"), "shares": _kind("share"), "notifications": _kind("notify"),
    "sessions": _kind("session"), "long_sessions": _long,
    "watch_ms": lambda event: event["watch_ms"] if event["event_type"] in ("view", "session") else None,
    "acts": lambda event: None if event["event_type"] in ("impression", "notify", "session") else 1,
    "viewers": lambda event: {"session_start": 1, "session": -1}.get(event["event_type"]),
}  # fmt: skip


def _keys(types: tuple[str, ...], *columns):
    """The one key of an event of these types, unless a part of it is null."""

    def keys(event: Event) -> list[tuple]:
        parts = tuple(column(event) for column in columns)
        return [parts] if event["event_type"] in types and None not in parts else []

    return keys


def _of(name: str):
    return lambda event: event[name]


def _topic(event: Event) -> str | None:
    return event["topics"][0] if event["topics"] else None


def _counted(prefix: str, columns: tuple[str, ...], *windows: str) -> list[Feature]:
    return [
        Feature(f"{prefix}_{column}_{window}", "sum" if column == "watch_ms" else "count", column, *WINDOWS[window])
        for window in windows
        for column in columns
    ]


ABOUT_ITEMS = ("impression", "click", "view", "like", "rating", "follow", "share", "notify", "session")
OF_USERS = ("impression", "click", "view", "like", "rating", "follow", "share", "comment", "hide", "viewer_enter",
            "session")  # fmt: skip
OF_CREATORS = ("impression", "view", "like", "rating", "follow", "session")
MEANS = [Feature(f"item_mean_watch_ms_{w}", "mean", "watch_ms", *WINDOWS[w]) for w in ("10m", "1h", "24h", "168h")]
WATCHED = ("views", "watch_ms")
ACTS = ("acts", "impressions", "views", "likes", "watch_ms")
MADE = ("impressions", "views", "likes", "follows", "watch_ms")

# By view: the names of its key's parts in the order of the rule, and the rule.
VIEWS = {
    "item_live": (("item_id",), View(_keys(ABOUT_ITEMS, _of("item_id")), COLUMNS,
                                     _counted("item", SIGNS, "10m", "1h", "24h", "168h") + MEANS)),
    "item_viewers": (("item_id",), View(_keys(("session_start", "session"), _of("item_id")), COLUMNS,
                                        [Feature("item_viewers_now", "sum", "viewers")])),
    "surface_item_live": (("surface", "item_id"), View(_keys(("impression", "click", "view"),
                                                             _of("surface"), _of("item_id")), COLUMNS,
                                                       _counted("surface_item", SHOWN, "1h", "24h"))),
    "creator_live": (("creator_id",), View(_keys(OF_CREATORS, _of("creator_id")), COLUMNS,
                                           _counted("creator", MADE, "1h", "24h", "168h"))),
    "user_live": (("user_id",), View(_keys(OF_USERS, _of("user_id")), COLUMNS, _counted("user", ACTS, "30m", "24h"))),
    "user_topic_live": (("user_id", "topic"), View(_keys(("view", "session"), _of("user_id"), _topic), COLUMNS,
                                                   _counted("ut", WATCHED, "1h", "24h", "168h"))),
    "user_creator_live": (("user_id", "creator_id"),
                          View(_keys(("view", "session"), _of("user_id"), _of("creator_id")), COLUMNS,
                               _counted("uc", WATCHED, "1h", "24h", "168h"))),
}  # fmt: skip
