"""`streamrank recommend` asks the running service and prints titles, or says what is wrong."""

import pytest
import typer
from platforms import free_port
from typer.testing import CliRunner, Result

from cli import serve


@pytest.fixture
def ask(world):
    app = typer.Typer()
    app.command()(serve.recommend)

    def run(*arguments: str) -> Result:
        with world.entered(COLUMNS="160"):
            return CliRunner().invoke(app, arguments)

    return run


def test_items_come_with_their_titles(ask, service):
    said = ask("u3", "--k", "3", "--candidates", "5, 9,14", "--url", service.url)
    assert said.exit_code == 0, said.output
    assert all(f"Title {item}" in said.output for item in (5, 9, 14))
    assert "popular" not in said.output


def test_a_fallback_is_told(ask, service, world):
    said = ask("nobody", "--url", service.url)
    assert "popular items: unknown_user" in said.output
    assert f"Title {world.popular[0]}" in said.output


def test_reasons_are_printed_under_the_table(ask, service):
    said = ask("new", "--picked", "3, 4,9,99999", "--topic", "t1", "--explain", "--k", "2", "--url", service.url)
    assert said.exit_code == 0, said.output
    assert "made for what was picked" in said.output
    assert "picked, not in the catalogue: 99999" in said.output
    assert "found as number" in said.output and "what all start from" in said.output
    plain = ask("new", "--topic", "t1", "--url", service.url)
    assert "made for the topics" in plain.output and "what all start from" not in plain.output


def test_what_the_service_refuses_is_shown(ask, service):
    said = ask("u3", "--k", "300", "--url", service.url)
    assert said.exit_code == 1
    assert "refused (400)" in said.output
    assert "k: Input should be less than or equal to 200" in said.output


def test_an_id_of_the_wrong_type_is_refused_before_asking(ask):
    said = ask("u3", "--candidates", "5,x")
    assert said.exit_code == 2
    assert "expected an integer" in said.output


def test_without_a_service_the_command_that_starts_one_is_named(ask):
    said = ask("u3", "--url", f"http://127.0.0.1:{free_port()}")
    assert said.exit_code == 1
    assert "streamrank serve" in said.output
