from __future__ import annotations

from bulkhead.localclouds.api.rate import RateLimit


def test_one_request_too_many_is_refused_until_the_window_is_over() -> None:
    now = [0.0]
    limit = RateLimit(2, 300, lambda: now[0])
    seen = [limit.count("deploy") for _ in range(3)]
    assert [(one.remaining, one.refused) for one in seen] == [(1, False), (0, False), (0, True)]
    now[0] = 299.0
    assert (limit.count("deploy").refused, limit.count("deploy").reset) == (True, 1)
    now[0] = 300.0
    assert not limit.count("deploy").refused


def test_credentials_do_not_use_up_each_others_requests() -> None:
    limit = RateLimit(1, 300, lambda: 0.0)
    assert [limit.count(who).refused for who in ("one", "other", "one")] == [False, False, True]
