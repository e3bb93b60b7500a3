import json

import pytest
from histories import DAY, make_data_set
from typer.testing import CliRunner

from catalog import open_bandit
from catalog.dataset import DataSetMissing
from cli.main import app
from streamrank import clock
from streamrank.environment import default_root


def test_the_open_bandit_check_prints_json_and_a_table(platform):
    cache = default_root() / "cache"
    open_bandit.log(cache, "random", "all")  # fetched once and not for every run
    (platform / "cache").parent.mkdir(exist_ok=True)
    (platform / "cache").symlink_to(cache)
    done = CliRunner().invoke(app, ["off-policy", "--open-bandit", "--json"])
    assert done.exit_code == 0, done.output
    assert set(json.loads(done.stdout)) == {"all", "men", "women"}


def test_a_data_set_that_served_nothing_says_what_to_do(platform):
    with clock.use(clock.VirtualClock(20_000 * DAY)):
        make_data_set([{"event_type": "click", "user_id": "u", "item_id": "i", "event_time": 19_000 * DAY}])
        done = CliRunner().invoke(app, ["off-policy"])
    with pytest.raises(DataSetMissing, match="promote a model that explores"):
        raise done.exception
