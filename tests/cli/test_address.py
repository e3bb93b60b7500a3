"""An address as it is typed, and what is said of one that is none, or where something else answers."""

import socket
import threading
from contextlib import contextmanager

import pytest

from cli.address import AddressRefused, service_address
from cli.serve import NoAnswer, ask


@pytest.mark.parametrize(
    "typed, meant",
    [
        ("localhost:3000", "http://localhost:3000"),
        ("127.0.0.1:3000/", "http://127.0.0.1:3000"),
        (" http://h ", "http://h"),
        ("https://h:8443/ranking/", "https://h:8443/ranking"),
        ("[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_http_is_taken_where_nothing_is_said(typed, meant):
    assert service_address(typed) == meant


@pytest.mark.parametrize("typed", ["ftp://h:1", "h:port", "h:99999", "", "http://", "a b:3000", "http://:3000"])
def test_what_is_no_address_is_refused_with_one_that_is(typed):
    with pytest.raises(AddressRefused, match="expected http://HOST:PORT, found"):
        service_address(typed)


@contextmanager
def answering(words: bytes):
    """The port of a server that says `words` to its first caller."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            caller, _ = server.accept()
            with caller:
                asked = b""
                while not asked.endswith(b"}"):
                    asked += caller.recv(65_536)
                caller.sendall(words)

        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def test_a_service_without_http_in_its_address_answers():
    body = b'{"items": []}'
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as port:
        assert ask(f"localhost:{port}", {"user_id": 1}) == {"items": []}


@pytest.mark.parametrize("words", [b"-ERR wrong number of arguments\r\n", b"HTTP/1.1 200 OK\r\n\r\n<html>"])
def test_another_server_is_told_from_none(words):
    with answering(words) as port, pytest.raises(NoAnswer, match=f"what answers at http://localhost:{port} is no rec"):
        ask(f"localhost:{port}", {})


def test_the_refusal_of_an_address_reaches_who_typed_it():
    with pytest.raises(NoAnswer, match="expected http://HOST:PORT, found 'localhost:abc'"):
        ask("localhost:abc", {})
