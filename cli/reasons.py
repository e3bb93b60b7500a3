"""The reasons of an answer in lines to print: who proposed an item, what moved its score, what re-ranking did."""

from collections.abc import Iterator

MOST_SOURCES = 3


def reasons(items: list[dict], titles: dict[str, str]) -> Iterator[str]:
    """Lines of markup for each item that says why it is there; none for those that do not."""
    for item in items:
        if item.get("sources") or item.get("contributions") or item.get("changes"):
            yield f"[bold]{item['rank']}. {titles.get(str(item['item_id'])) or item['item_id']}[/bold]"
            yield from _of(item)


def _of(item: dict) -> Iterator[str]:
    for source in item["sources"][:MOST_SOURCES]:
        yield f"   found as number {source['rank']} of {source['text']} ([dim]{source['source']}[/dim])"
    if more := item["sources"][MOST_SOURCES:]:
        yield f"   found also by {', '.join(source['source'] for source in more)}"
    if not item["sources"]:
        yield "   found by no source: it is popular, new, or was asked for"
    for part in item["contributions"]:
        side = "for it" if part["contribution"] > 0 else "against it"
        yield f"   {side}: {part['text']} ([dim]{part['feature']} {part['contribution']:+.3f}[/dim])"
    if item["base"] is not None:
        base, rest, score = (item[name] for name in ("base", "rest", "score"))
        yield f"   [dim]{base:+.3f} what all start from, {rest:+.3f} all else: {score:.3f}[/dim]"
    for change in item["changes"]:
        yield f"   {change}"
