"""Traffic is divided and given back at a Cloudflare that refuses what the real one refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.clients.workers import Traffic
from bulkhead.delivery import shares
from bulkhead.delivery.plan import Move
from bulkhead.model.faults import Refused
from tests.support.cloudflare_api import ACCOUNT, TOKEN, open_api
from tests.support.released import Released

SECRET = {"type": "secret_text", "name": "SESSION_KEY", "text": "hush-4711"}


@pytest.fixture
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Released]:
    api = open_api(tmp_path)
    with Rest(CLOUDFLARE, TOKEN, api.transport()) as client:
        released = Released(api, client, ACCOUNT)
        released.keep_time(monkeypatch)
        yield released
    api.journal.close()
    api.resources.store.close()


def test_what_somebody_deployed_in_the_middle_is_told_and_a_rollback_makes_the_way_free(staging: Released) -> None:
    for release in ("aaaaaaa", "bbbbbbb", "ccccccc"):
        staging.release(release, "web", live=release == "aaaaaaa")
    traffic, new = Traffic(staging.rest, ACCOUNT), {"web": staging.ids["web", "bbbbbbb"]}
    moves = [Move("web", staging.script("web"), "e" * 64, staging.ids["web", "aaaaaaa"])]
    shares.divide(traffic, moves, new, 10, "10 %")
    staging.deploy("web", {"ccccccc": 100}, "a hotfix with wrangler")
    with pytest.raises(Refused, match="bulkhead rollback STAGE") as refused:
        shares.divide(traffic, moves, new, 50, "50 %")
    assert staging.ids["web", "ccccccc"] in str(refused.value)
    with pytest.raises(Refused, match="bulkhead rollback STAGE"):
        shares.give_back(traffic, moves, new, "back")
    assert staging.live("web") == {"ccccccc": 100}
    staging.deploy("web", {"aaaaaaa": 100}, "rollback")
    assert shares.give_back(traffic, moves, new, "") == []


@pytest.mark.parametrize("changed", [{"text": "hush-4712"}, {"name": "OTHER_KEY"}])
@pytest.mark.parametrize("percent", [0, 10, 100])
def test_a_release_that_changes_a_secret_is_divided_and_given_back_as_any_other(
    staging: Released, changed: dict[str, str], percent: int
) -> None:
    staging.release("aaaaaaa", "web", bindings=[SECRET])
    staging.release("bbbbbbb", "web", bindings=[{**SECRET, **changed}], live=False)
    traffic, new = Traffic(staging.rest, ACCOUNT), {"web": staging.ids["web", "bbbbbbb"]}
    moves = [Move("web", staging.script("web"), "e" * 64, staging.ids["web", "aaaaaaa"])]
    for each in (0, percent):
        shares.divide(traffic, moves, new, each, f"{each} %")
    assert staging.live("web") == {"aaaaaaa": 100 - percent, "bbbbbbb": percent}
    shares.give_back(traffic, moves, new, "back")
    assert staging.live("web") == {"aaaaaaa": 100}
