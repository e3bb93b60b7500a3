"""`streamrank up`, `down`, `status` and `env`: the embedded server and the environment of bare commands."""

import typer


def up() -> None:
    """Start the embedded Valkey server (nothing to do when STREAMRANK_REDIS_URL names your own)."""
    from streamrank import embedded
    from streamrank.settings import settings

    if not settings().embedded:
        address = embedded.ensure_redis()
        typer.echo(f"using your own Redis at {address}")
        return
    started = embedded.up()
    typer.echo(f"Valkey {'started' if started else 'already runs'} at {settings().redis_address}")


def down() -> None:
    """Stop the embedded Valkey server; its data stays."""
    from streamrank import embedded

    typer.echo("Valkey stopped" if embedded.down() else "no embedded Valkey was running")


def status() -> None:
    """Show which server is in use; exit code 1 when it does not answer."""
    from streamrank import embedded

    now = embedded.status()
    owner = "embedded" if now.embedded else "your own (STREAMRANK_REDIS_URL)"
    typer.echo(f"{'running' if now.running else 'not running'}: {owner}, {now.address}")
    if now.pid:
        typer.echo(f"process {now.pid}" + (f", socket {now.socket}" if now.socket else ""))
    if now.elsewhere:
        typer.echo(f"the server of this root runs on port {now.elsewhere}: set STREAMRANK_REDIS_PORT={now.elsewhere}")
    raise typer.Exit(0 if now.running else 1)


def env() -> None:
    """Print the variables that bare `feast` and `bentoml` commands need: eval "$(streamrank env)"."""
    import shlex

    from streamrank import environment

    for name, value in environment.variables().items():
        typer.echo(f"export {name}={shlex.quote(value)}")
