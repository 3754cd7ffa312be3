from __future__ import annotations

import os
import stat
from pathlib import Path

from bulkhead.localclouds.api import seed
from bulkhead.localclouds.api.seed import Seed, Tenant


def test_the_tenants_are_read_as_they_were_written_and_by_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "seed.json"
    tenant = Tenant("staging", "account", {"zone": "example.com"}, "acme/harbor", {"cloudflare": {"token": "deploy"}})
    seed.write(file, [tenant])
    assert Seed(file).tenants() == [tenant]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_seed_may_be_written_after_it_was_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "seed.json"
    opened = Seed(file)
    assert opened.tenants() == []
    seed.write(file, [Tenant("staging", "account")])
    assert [tenant.environment for tenant in opened.tenants()] == ["staging"]
    seed.write(file, [Tenant("staging", "account"), Tenant("production", "other")])
    assert [tenant.environment for tenant in opened.tenants()] == ["staging", "production"]


def test_a_seed_that_is_written_within_a_tick_of_the_clock_counts(tmp_path: Path) -> None:
    file = tmp_path / "seed.json"
    opened = Seed(file)
    for name in ("staging", "production"):
        seed.write(file, [Tenant(name, "account")])
        os.utime(file, ns=(1, 1))
        assert [tenant.environment for tenant in opened.tenants()] == [name]
