"""Settings read from the environment: what fits is taken, what does not is named with all that is needed to mend it."""

from datetime import timedelta

import pytest
from platforms import environment

from streamrank.settings import SettingRefused, settings


@pytest.mark.parametrize(
    "name, value, told",
    [
        ("REDIS_PORT", "abc", "expected a whole number at least 1 and at most 65535; found 'abc'"),
        ("REDIS_PORT", "70000", "at most 65535; found '70000'"),
        ("BATCH_DELAY", "soon", "expected a duration such as 00:05:00 or PT5M at least 0:00:00; found 'soon'"),
        ("BATCH_DELAY", "-PT5M", "found '-PT5M'"),
        ("SERVED_FLUSH_SECONDS", "0", "expected a number above 0; found '0'"),
        ("DATASET", "my films", "expected letters, digits, - and _, a letter or digit first; found 'my films'"),
        ("REDIS_URL", "http://h", "expected redis://user:password@host:6379/0, user and"),
        ("REDIS_URL", "redis://h:port", "found 'redis://h:port'"),
        ("REDIS_URL", "redis://h/first", "found 'redis://h/first'"),
    ],
)
def test_a_variable_that_does_not_fit_is_told_with_what_was_expected_and_found(platform, name, value, told):
    with environment(**{f"STREAMRANK_{name}": value}), pytest.raises(SettingRefused) as refused:
        settings()
    said = str(refused.value)
    assert said.startswith(f"STREAMRANK_{name} (") and told in said and "or unset it for" in said


def test_every_variable_that_does_not_fit_has_a_line(platform):
    with environment(STREAMRANK_REDIS_PORT="x", STREAMRANK_LOG_BATCH_EVENTS="0"), pytest.raises(SettingRefused) as told:
        settings()
    assert [line.split(" ")[0] for line in str(told.value).splitlines()] == [
        "STREAMRANK_REDIS_PORT", "STREAMRANK_LOG_BATCH_EVENTS",
    ]  # fmt: skip


def test_a_root_that_is_a_file_is_refused(platform, tmp_path):
    (tmp_path / "file").touch()
    with environment(STREAMRANK_ROOT=str(tmp_path / "file")), pytest.raises(SettingRefused, match="expected a folder"):
        settings()


def test_a_password_is_not_told(platform):
    with environment(STREAMRANK_REDIS_URL="http://me:secret@h"), pytest.raises(SettingRefused) as refused:
        settings()
    assert "secret" not in str(refused.value) and "http://me:***@h" in str(refused.value)


def test_what_fits_is_taken_and_what_is_empty_is_the_default(platform):
    with environment(STREAMRANK_BATCH_DELAY="PT5M", STREAMRANK_REDIS_URL="", STREAMRANK_REDIS_PORT="7000"):
        found = settings()
    assert found.batch_delay == timedelta(minutes=5) and found.embedded
    assert found.redis_address == "redis://127.0.0.1:7000/0"


def test_valkey_s_own_name_in_an_address_is_what_clients_call_redis(platform):
    with environment(STREAMRANK_REDIS_URL="valkeys://h:7000/1"):
        assert settings().redis_address == "rediss://h:7000/1"
