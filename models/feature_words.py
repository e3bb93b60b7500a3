"""A feature's name and value in words that a person reads: "you watched 3 shows by this creator this week".

A name is read from both ends: its prefix says of whom it speaks, its ending over which time, what is between what was
counted. A feature that nothing here knows is told by its name, so that no explanation fails for lack of words.
"""

import re
from collections.abc import Callable
from math import exp

TIMES = {
    "10m": "in the last 10 minutes", "30m": "in the last half hour", "1h": "in the last hour",
    "24h": "in the last 24 hours", "168h": "this week", "1d": "in the last day", "7d": "in the last 7 days",
    "60d": "in the last 60 days",
}  # fmt: skip

WHOM = {
    "surface_item": "it was {} where you are", "item": "it was {}", "creator": "shows by this creator were {}",
    "topic": "shows of this topic were {}",
}  # fmt: skip
YOURS = {"user": "you {}", "ut": "you {} of this topic", "uc": "you {} by this creator"}

DONE = {
    "impressions": "shown", "clicks": "clicked", "views": "watched", "likes": "liked", "follows": "followed",
    "shares": "shared", "notifications": "announced", "sessions": "watched", "long_sessions": "watched for long",
}  # fmt: skip
YOU_DID = {
    "impressions": "were shown {}", "clicks": "clicked {}", "views": "watched {}", "likes": "liked {}",
    "sessions": "watched {}", "acts": "did something with {}",
}  # fmt: skip

SOURCES = {
    "als": "what people with your taste watch",
    "item_item": "what is watched together with what you watched",
    "sittings": "what is watched in one sitting with what you watched",
    "autoencoder": "what completes a history like yours",
    "between": "what others watch at the point where you watched these",
    "up_next": "what comes next in a history like yours",
    "near": "what is watched shortly before or after what you watched",
    "transitions": "what is watched after what you watched last",
    "content": "what resembles what you like",
    "titles": "what sounds like what you like",
    "walks": "what viewers of your shows watch besides",
    "season": "what was watched at the times when you were here",
    "topic_taste": "shows of topics that you watch more than others do",
    "era": "shows of the years that you like",
    "rated": "what is rated high, and by people who rate as you do",
    "profile": "what people like you, by age and whatever else is known of you, watch more than others do",
    "trending": "what is watched most lately",
    "watched_now": "what most people watch right now",
    "continue_watching": "what you have not finished",
    "followed": "shows by creators you follow or watch",
    "again": "what you return to",
    "often": "what you watched most often",
    "lately": "what you watched last",
    "popular": "what has been watched most of all",
    "fresh": "what is new",
    "precomputed": "what was chosen for you last night",
}

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def source_words(name: str) -> str:
    """What a source of candidates proposes."""
    return SOURCES.get(name, f"what {name.replace('_', ' ')} proposes")


def told(feature: str, value: float | None, above: float | None = None) -> str:
    """The feature with its value; None is a missing one. above: the share of the other candidates that have less of it,
    which tells what the score of a source is worth; None where there are no others."""
    if (text := _of_source(feature, value, above)) is not None:
        return text
    for tell in (_alone, _trait, _counted):
        if (text := tell(feature, value)) is not None:
            return text
    name = feature.replace("_", " ")
    return f"{name} is not known" if value is None else f"{name}: {_number(value)}"


def _alone(feature: str, value: float | None) -> str | None:
    """Features that are told one by one."""
    if feature not in ALONE:
        return None
    tell, unknown = ALONE[feature]
    return unknown if value is None else tell(value)


def _trait(feature: str, value: float | None) -> str | None:
    """`user_trait_<n>`: the further columns of the users file, as numbers."""
    column = feature.removeprefix("user_trait_")
    if column == feature:
        return None
    whose = f"in column {column} of the users file"
    return f"nothing is known of you {whose}" if value is None else f"you have {_number(value)} {whose}"


def _of_source(feature: str, value: float | None, above: float | None) -> str | None:
    name, _, kind = feature.rpartition("_")
    if kind not in ("score", "rank") or name not in SOURCES:
        return None
    if value is None:
        return f"it is not among {source_words(name)}"
    if kind == "rank":
        return f"it is number {_number(value)} among {source_words(name)}"
    fits = f"fits {source_words(name)}"
    return f"how well it {fits}" if above is None else f"it {fits} {_better(above)}"


SHARES = {100: "best of all candidates", 50: "as well as most candidates", 0: "least of all candidates"}


def _better(above: float) -> str:
    """Than others, of a share from 0 to 1 that has less."""
    percent = round(100 * above)
    if percent in SHARES:
        return SHARES[percent]
    return (
        f"better than {percent} % of all candidates"
        if percent > 50
        else f"worse than {100 - percent} % of all candidates"
    )


def _counted(feature: str, value: float | None) -> str | None:
    """`<whom>_<what>_<time>`."""
    found = re.fullmatch(rf"({'|'.join([*WHOM, *YOURS])})_(\w+?)_({'|'.join(TIMES)})", feature)
    if not found:
        return None
    whom, what, time = found[1], found[2], TIMES[found[3]]
    if what in RATES:
        return _rate(whom, what, time, value)
    if whom in WHOM and what in DONE:
        return f"{WHOM[whom].format(f'{DONE[what]} {_times(value)}')} {time}"
    if whom in YOURS and what in YOU_DID:
        return f"{YOURS[whom].format(YOU_DID[what].format(_shows(value)))} {time}"
    return None


def _rate(whom: str, what: str, time: str, value: float | None) -> str | None:
    """A share, a mean or a span of time, of whom it is."""
    others, yours, form, unknown = RATES[what]
    told = unknown if value is None else form(value)
    if whom in YOURS:
        return yours and f"{yours.format(told, OF[whom])} {time}"
    return others and f"{others.format(told, OF[whom])} {time}"


def _times(value: float | None) -> str:
    if value is None:
        return "an unknown number of times"
    return {0: "not once", 1: "once", 2: "twice"}.get(value, f"{_number(value)} times")


def _shows(value: float | None) -> str:
    if value is None:
        return "an unknown number of shows"
    return {0: "no show", 1: "1 show"}.get(value, f"{_number(value)} shows")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.2g}"


def _share(value: float) -> str:
    return f"{100 * value:.3g} %" if abs(value) < 0.095 else f"{100 * value:.0f} %"


def _estimated(value: float) -> str:
    """A rate that begins at what is usual, so that one view does not make it 100 %, and none makes it what is usual."""
    return f"an estimated {_share(value)}"


def _span(value: float) -> str:
    """Of milliseconds."""
    minutes = value / 60_000
    if minutes >= 120:
        return f"{minutes / 60:,.0f} hours"
    return f"{minutes:.0f} minutes" if minutes >= 2 else f"{value / 1_000:.0f} seconds"


def _age(days: float) -> str:
    if days < 0:
        return "it has not begun yet"
    if days < 1:
        return f"it is new: {_span(days * 86_400_000)} old"
    return f"it is {days:,.0f} days old"


OF = {
    "item": "it", "surface_item": "it where you are",
    "creator": "shows by this creator", "topic": "shows of this topic",
    "user": "", "ut": " of this topic", "uc": " by this creator",
}  # fmt: skip
Rate = tuple[str | None, str | None, Callable[[float], str], str]  # of others, of yours, the value, an unknown one
RATES: dict[str, Rate] = {
    "click_rate": (
        "{} of those who were shown {} clicked", "you clicked {} of what you were shown{}", _estimated,
        "an unknown share",
    ),
    "watch_ratio": (
        "people watched {} of {} on average", "you watched {} of a show{} on average", _share, "an unknown share"
    ),
    "rating": (
        "people gave {} to {} on average", "you gave {} to shows{} on average", _number, "an unknown rating"
    ),
    "watch_ms": ("people spent {} with {}", "you spent {} with shows{}", _span, "an unknown time"),
    "mean_watch_ms": ("people spent {} at a time with {}", None, _span, "an unknown time"),
    "long_session_rate": ("{} of the visits to {} were long", None, _share, "an unknown share"),
    "active_days": (None, "you were here on {} days{}", _number, "an unknown number of"),
}  # fmt: skip
UNUSUAL = "what you do as a rule is not known"
ALONE: dict[str, tuple[Callable[[float], str], str]] = {
    "item_viewers_now": (lambda n: f"{_number(n)} watch it right now", "nobody counts who watches it now"),
    "item_duration_ms": (lambda ms: f"it takes {_span(ms)}", "its length is not known"),
    "item_year": (lambda year: f"it was made in {year:.0f}", "its year is not known"),
    "item_age_days": (_age, "since when it can be watched is not known"),
    "item_trend": (lambda x: f"{_share(x)} of its views of the last 7 days came on the last", "no trend is known"),
    "item_views_slope": (
        lambda x: f"{'more and more' if x > 0 else 'fewer and fewer' if x < 0 else 'no more and no fewer'} watch it",
        "which way its views go is not known",
    ),
    "user_age": (lambda years: f"you are {years:.0f} years old", "your age is not known"),
    "user_level_impressions": (lambda n: f"as a rule you are shown {_number(n)} shows", UNUSUAL),
    "user_level_click_rate": (lambda x: f"as a rule you click {_share(x)} of what you are shown", UNUSUAL),
    "user_level_surplus": (lambda x: f"you click {_share(x)} of what you are shown beyond what is usual", UNUSUAL),
    "user_level_watch_ratio": (lambda x: f"as a rule you watch {_share(x)} of a show", UNUSUAL),
    "user_level_watch_log": (lambda x: f"as a rule you watch for {_span(1_000 * exp(min(x, 50)))}", UNUSUAL),
    "user_level_likes": (lambda x: f"as a rule you like {_share(x)} of what you watch", UNUSUAL),
    "user_level_rating": (lambda x: f"as a rule you give {_number(x)}", UNUSUAL),
    "hour": (lambda hour: f"it is {hour:.0f} o'clock UTC", "the hour is not known"),
    "weekday": (lambda day: f"it is {WEEKDAYS[int(day) % 7]}", "the weekday is not known"),
    "surface_code": (lambda code: "where the list is shown", "where the list is shown is not known"),
    "topic_overlap": (lambda x: f"its topics are {_share(x)} of what you watch", "your topics are not known"),
    "stated_overlap": (lambda x: f"you named {_share(x)} of its topics", "you named no topics"),
    "user_topic_share": (
        lambda x: f"this topic is {_share(x)} of what you watch", "your share of this topic is not known"
    ),
    "user_topic_share_24h": (
        lambda x: f"this topic is {_share(x)} of what you watched in the last 24 hours",
        "you watched nothing in the last 24 hours",
    ),
    "user_creator_share": (
        lambda x: f"this creator is {_share(x)} of what you watch", "your share of this creator is not known"
    ),
    "user_creator_share_24h": (
        lambda x: f"this creator is {_share(x)} of what you watched in the last 24 hours",
        "you watched nothing in the last 24 hours",
    ),
    "sources_found": (
        lambda n: f"{_number(n)} way{'s' * (n != 1)} of finding shows found it", "no way of finding shows found it"
    ),
    "slot": (lambda n: "the place in the list", "the place in the list"),
}  # fmt: skip
