"""The embedded server: started when needed, private, durable, and honest about what it cannot do."""

import os
import signal
import subprocess
import sys

import pytest
import redis
from platforms import environment, free_port

from streamrank import embedded
from streamrank.settings import feast_connection, settings


def connect() -> redis.Redis:
    return redis.Redis.from_url(settings().redis_address)


def test_starts_once_answers_and_stops(platform):
    assert embedded.up() is True
    assert embedded.up() is False
    assert connect().ping()
    assert embedded.status().running
    assert embedded.down() is True
    assert not embedded.status().running
    assert embedded.down() is False


def test_keeps_its_data_over_a_restart(platform):
    embedded.ensure_redis()
    connect().set("kept", "value")
    embedded.down()
    embedded.ensure_redis()
    assert connect().get("kept") == b"value"


def test_the_append_only_file_is_on_and_only_loopback_is_bound(platform):
    embedded.up()
    config = connect().config_get("*")
    assert config["appendonly"] == "yes"
    assert config["bind"] == "127.0.0.1"


def test_starts_again_after_its_process_was_killed(platform):
    embedded.up()
    connect().set("kept", "value")
    os.kill(embedded.status().pid, signal.SIGKILL)
    assert embedded.up() is True
    assert connect().get("kept") == b"value"


def test_two_processes_that_start_it_at_once_get_the_same_server(platform):
    code = "from streamrank import embedded; embedded.ensure_redis(); print(embedded.status().pid)"
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    pids = {process.communicate(timeout=60)[0] for process in both}
    assert len(pids) == 1


def test_a_port_taken_by_another_server_is_refused_by_name(platform, redis_server):
    port = redis_server.rsplit(":", 1)[1].split("/")[0]
    with environment(STREAMRANK_REDIS_PORT=port), pytest.raises(embedded.ServerError, match=rf"{port}.*REDIS_PORT"):
        embedded.up()


def test_another_port_than_the_running_servers_is_told_with_both(platform):
    embedded.up()
    running, other = settings().redis_port, free_port()
    with environment(STREAMRANK_REDIS_PORT=str(other)):
        with pytest.raises(embedded.ServerError, match=rf"port {running}, not on {other}.*REDIS_PORT={running}"):
            embedded.ensure_redis()
        found = embedded.status()
        assert (found.running, found.elsewhere) == (False, running)
        assert embedded.down() is True
        assert embedded.up() is True
        assert (embedded.status().running, embedded.status().elsewhere) == (True, None)


def test_a_user_s_own_server_is_used_and_nothing_is_started(platform, redis_server):
    with environment(STREAMRANK_REDIS_URL=redis_server):
        assert embedded.ensure_redis() == redis_server
        assert not settings().server_folder.exists()


def test_a_user_s_own_server_that_is_down_is_named(platform):
    url = f"redis://127.0.0.1:{free_port()}/0"
    with environment(STREAMRANK_REDIS_URL=url), pytest.raises(embedded.ServerError, match="STREAMRANK_REDIS_URL"):
        embedded.ensure_redis()


def test_feast_s_connection_string_carries_user_password_database_and_tls():
    assert feast_connection("redis://h:7000/2") == "h:7000,db=2"
    assert feast_connection("rediss://u:p%40w@h/0") == "h:6379,db=0,username=u,password=p@w,ssl=true"
    with pytest.raises(ValueError, match="expected redis://"):
        feast_connection("http://h")
