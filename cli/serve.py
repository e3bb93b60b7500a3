"""`streamrank serve` and `streamrank recommend`: start the service, and ask it."""

from typing import Annotated

import typer

DEFAULT_URL = "http://127.0.0.1:3000"


class NoAnswer(RuntimeError):
    """The service could not be asked, or refused; the message says why."""


def serve(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 3000,
    host: Annotated[str, typer.Option(help="0.0.0.0 takes requests from other machines too")] = "127.0.0.1",
) -> None:
    """Serve the promoted model: `bentoml serve` in the checkout. Ctrl-C stops it."""
    serve_bento(".", host, port)


def serve_bento(bento: str, host: str, port: int) -> None:
    """Becomes `bentoml serve` of a service of the checkout."""
    import os
    import sys

    from streamrank.environment import CHECKOUT
    from streamrank.settings import settings

    settings()  # one that does not fit is told here, not in the log of the service
    _refuse_taken_port(host, port)
    os.chdir(CHECKOUT)
    command = [sys.executable, "-m", "bentoml", "serve", bento, "--host", host, "--port", str(port)]
    os.execv(sys.executable, command)


def _refuse_taken_port(host: str, port: int) -> None:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = (
                f"port {port} on {host} is taken ({error.strerror}), perhaps by another service; choose one with --port"
            )
            typer.secho(f"streamrank: {message}", fg=typer.colors.RED, err=True)
            raise typer.Exit(1) from error


def recommend(
    user_id: Annotated[str, typer.Argument(help="as the data set has it")],
    k: Annotated[int, typer.Option("--k", "-k", help="how many items, at most 200")] = 10,
    candidates: Annotated[
        str | None, typer.Option(help="rank only these items: their ids, with commas between")
    ] = None,
    include_upcoming: Annotated[bool, typer.Option("--include-upcoming", help="shows that begin later, too")] = False,
    picked: Annotated[
        str | None, typer.Option(help="items that the user likes, for a new one: ids, with commas between")
    ] = None,
    topic: Annotated[list[str] | None, typer.Option(help="a topic that the user likes; may come several times")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="why each item is there")] = False,
    url: Annotated[str, typer.Option(help="where the service is; http:// may be left out")] = DEFAULT_URL,
) -> None:
    """Ask the running service for a user's ranking and print it with titles, and with reasons where asked."""
    from catalog.dataset import DataSet

    data = DataSet.current()
    manifest = data.manifest()
    body = {"user_id": original(user_id, manifest.user_ids, "USER_ID"), "k": k}
    if include_upcoming:
        body["include_upcoming"] = True
    if candidates is not None:
        body["candidates"] = _ids(candidates, manifest.item_ids, "--candidates")
    if picked is not None:
        body["picked"] = _ids(picked, manifest.item_ids, "--picked")
    body |= {name: value for name, value in (("topics", topic), ("explain", explain)) if value}
    try:
        answer = ask(url, body)
    except NoAnswer as error:
        typer.secho(f"streamrank: {error}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from error
    show(answer, titles(data), user_id)


def _ids(text: str, ids: str, name: str) -> list[int | str]:
    return [original(part.strip(), ids, name) for part in text.split(",") if part.strip()]


def ask(url: str, body: dict) -> dict:
    """The answer of `POST {url}/recommend`. Raises NoAnswer when there is none, with what the service said."""
    import json
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    from cli.address import AddressRefused, service_address

    try:
        at = service_address(url)
        request = Request(f"{at}/recommend", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urlopen(request, timeout=60) as response:
            return json.load(response)
    except AddressRefused as refused:
        raise NoAnswer(str(refused)) from refused
    except HTTPError as error:
        raise NoAnswer(f"the service at {at} refused ({error.code}): {_told(error.read())}") from error
    except (HTTPException, ValueError) as error:
        raise NoAnswer(f"what answers at {at} is no recommender ({error!r}); is --url that of its port?") from error
    except (URLError, OSError) as error:
        raise NoAnswer(f"no service answers at {at} ({error}); start one with `streamrank serve`") from error


def _told(body: bytes) -> str:
    """What a refusal says: each field with its fault, or the text as it came."""
    import json

    try:
        faults = json.loads(body)["detail"]
        told = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
        ids = any(fault["loc"][0] in ("user_id", "candidates", "picked") for fault in faults)
        return told + (" (does the service hold the data set of STREAMRANK_DATASET?)" if ids else "")
    except (ValueError, LookupError, TypeError):
        return body.decode(errors="replace")


def show(answer: dict, titles: dict[str, str], user_id: str) -> None:
    """Prints an answer of the service as a table, and under it the reasons that it brings."""
    from rich.console import Console
    from rich.table import Table

    from cli.reasons import reasons

    title = f"for user {user_id}, as of {answer['as_of'][:19]} UTC"
    table = Table("rank", "item", "title", "score", title=title, title_justify="left")
    for item in answer["items"]:
        table.add_row(
            str(item["rank"]), str(item["item_id"]), titles.get(str(item["item_id"]), ""), f"{item['score']:.4f}"
        )
    console = Console()
    console.print(table)
    for line in reasons(answer["items"], titles):
        console.print(line, highlight=False)
    if explored := [str(item["rank"]) for item in answer["items"] if item["explored"]]:
        console.print(f"drawn to learn how they do: rank {', '.join(explored)}")
    unknown = {
        "picked, not in the catalogue": "unknown_picked", "topics that no item has": "unknown_topics",
        "candidates that nobody knows": "unknown_candidates",
    }  # fmt: skip
    for what, field in unknown.items():
        if answer[field]:
            console.print(f"[yellow]{what}: {', '.join(map(str, answer[field]))}[/yellow]")
    made_for = {
        None: "nobody in particular",
        "picked": "what was picked",
        "topics": "the topics",
        "profile": "a profile",
    }
    known_by = made_for.get(answer["known_by"], "the user's history")
    console.print(f"made for {known_by}; model {answer['model_version']}, request {answer['request_id']}")
    if answer["fallback"]:
        what = "what sources propose, unranked" if answer["known_by"] else "popular items"
        console.print(f"[yellow]{what}: {answer['fallback']}[/yellow]" + (" (degraded)" if answer["degraded"] else ""))


def titles(data) -> dict[str, str]:
    """item_id -> title, of the items that have one."""
    import pyarrow.parquet as pq

    if not data.items.exists():
        return {}
    items = pq.read_table(data.items, columns=["item_id", "title"])
    return dict(zip(items["item_id"].to_pylist(), (title or "" for title in items["title"].to_pylist()), strict=True))


def original(text: str, ids: str, name: str) -> int | str:
    """An id typed on the command line, in the type that the data set has it in."""
    if ids == "string":
        return text
    try:
        return int(text)
    except ValueError as error:
        raise typer.BadParameter(f"{name}: expected an integer, as in this data set; found {text!r}") from error
