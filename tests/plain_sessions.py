"""Sessions counted one sign at a time in plain Python: what the columns must agree with. No code of the platform."""

from dataclasses import dataclass, field

SILENCE = 300_000_000
Viewer = tuple[str, str]


@dataclass
class Open:
    """Times in us: event time of the first sign, arrival of the last, latest event time."""

    begun_e: int
    seen_a: int
    seen_e: int


@dataclass
class PlainSessions:
    """ended: item -> (arrival, event time) of its end, as far as is known. Lists of (user, item, event time ...)."""

    ended: dict[str, tuple[int, int]] = field(default_factory=dict)
    open: dict[Viewer, Open] = field(default_factory=dict)
    started: list[tuple[str, str, int]] = field(default_factory=list)
    sessions: list[tuple[str, str, int, int]] = field(default_factory=list)

    def batch(self, signs: list[tuple[str, str, str, int, int]]) -> None:
        """Signs (type, user, item, arrival, event time) in the order of arrival."""
        for kind, user, item, a, e in signs:
            if item not in self.ended or a < self.ended[item][0]:
                self.sign(kind, (user, item), a, e)
        for viewer in {(user, item) for _, user, item, _, _ in signs}:
            self.end(viewer)

    def sign(self, kind: str, viewer: Viewer, a: int, e: int) -> None:
        held = self.open.get(viewer)
        if held and a - held.seen_a >= SILENCE:
            self.close(viewer, held.seen_e)
            held = None
        if kind == "viewer_leave":
            if held:
                self.close(viewer, e)
        elif held:
            held.seen_a, held.seen_e = a, max(held.seen_e, e)
        else:
            self.open[viewer] = Open(e, a, e)
            self.started.append((*viewer, e))

    def end(self, viewer: Viewer) -> None:
        """The viewer has left if the item has ended: by silence where that was before."""
        held, end = self.open.get(viewer), self.ended.get(viewer[1])
        if held and end:
            silent = end[0] - held.seen_a >= SILENCE
            self.close(viewer, held.seen_e if silent else end[1])

    def sweep(self, horizon: int) -> None:
        """Everybody whose item has ended, and who was silent up to the horizon."""
        for viewer in list(self.open):
            self.end(viewer)
        for viewer, held in list(self.open.items()):
            if horizon - held.seen_a >= SILENCE:
                self.close(viewer, held.seen_e)

    def close(self, viewer: Viewer, e: int) -> None:
        held = self.open.pop(viewer)
        self.sessions.append((*viewer, held.begun_e, max(held.begun_e, e)))
