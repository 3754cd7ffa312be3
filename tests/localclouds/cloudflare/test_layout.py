from __future__ import annotations

from bulkhead.localclouds.cloudflare import layout


def test_an_object_has_the_id_that_workerd_gives_it() -> None:
    # Seen on disk after `env.L.get(env.L.idFromName("x"))` in a Worker called `a`.
    assert layout.object_id("a", "Ledger", "x") == "2a7e0256a62c250d3c505c90d446a1eebffe654e337cb94d5d82ceceb8a689a2"


def test_a_database_is_where_miniflare_puts_it() -> None:
    # Seen on disk after a query to a database with the id `d1id`.
    name = "39c38f5576ba2bc4efea16750d183c603edbf8aa343f1a4a585d88a8a3decd16.sqlite"
    assert layout.database("d1id")[0] == f"d1/miniflare-D1DatabaseObject/{name}"


def test_objects_of_a_worker_are_not_those_of_a_worker_with_a_longer_name() -> None:
    directories = ["web-Ledger", "web-admin-Ledger", "webs-Ledger", "other-Ledger"]
    assert layout.objects_of("web", directories) == ["do/web-Ledger"]
    assert layout.objects_of("web-admin", directories) == ["do/web-admin-Ledger"]
