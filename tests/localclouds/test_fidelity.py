"""What the pages say of the local clouds' truth is so, and it does not become less."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path

import botocore.session
import pytest

from bulkhead.localclouds.fidelity import LEAST, SOURCES, WITNESSES, fidelity, share
from bulkhead.localclouds.providers import registry
from bulkhead.model.project import ROOT
from bulkhead.rehearsal import plugins
from tests.support.cloudflare_plugin_types import RESOURCES
from tests.support.stages import STAGES, rendered_identities, rendered_stage

ADDRESSES = sorted({address for found in SOURCES.values() for source in found for address in source.split()})
CLIENT = "https://github.com/cloudflare/cloudflare-python/blob/v5.9.0/src/cloudflare/"


def test_the_share_of_rules_with_a_source_does_not_fall() -> None:
    """Who adds a rule without a source looks for one, or names another rule's; a higher share is written down here."""
    assert int(share(fidelity())) == LEAST, "write the new share into LEAST, unless it is less"


@pytest.mark.parametrize("type_", SOURCES, ids=lambda type_: type_.kind)
def test_a_source_is_of_rules_that_the_type_has_and_each_rule_has_one(type_: str) -> None:
    named = Counter(rule for rules in SOURCES[type_].values() for rule in rules)
    assert named.keys() <= set(registry.rules_of(type_).names)
    assert max(named.values()) == 1


def test_the_rules_of_a_type_are_told_apart() -> None:
    for table in registry.TABLES.values():
        for rules in table.values():
            assert len(set(rules.names)) == len(rules.names), rules.type


def test_a_source_is_an_address() -> None:
    for address in ADDRESSES:
        assert address.startswith(("https://", "botocore:")), address


def test_what_is_installed_has_what_is_read_there() -> None:
    session = botocore.session.get_session()
    for address in ADDRESSES:
        if address.startswith("botocore:"):
            service, shape = address.removeprefix("botocore:").split("#")
            assert session.get_service_model(service).shape_for(shape)
        elif address.startswith(CLIENT):
            found = importlib.util.find_spec("cloudflare")
            assert found is not None
            assert found.origin is not None
            assert (Path(found.origin).parent / address.removeprefix(CLIENT)).is_file(), address


def test_a_witness_has_a_test_and_types_that_are_rehearsed() -> None:
    listed = {type_ for table in registry.TABLES.values() for type_ in table}
    for witness in WITNESSES:
        assert (ROOT / witness.test).is_file()
        assert witness.types
        assert witness.types <= listed


def test_the_real_plugins_meet_what_the_program_declares_and_no_more() -> None:
    (real,) = (witness for witness in WITNESSES if witness.name == "real plugin")
    declared = {
        resource.type
        for stage in STAGES
        for render in (rendered_identities, rendered_stage)
        for resource in render("first", stage).resources
    }
    led = {type_ for package in plugins.REAL for type_ in registry.TABLES[package]}
    assert real.types == declared & led


def test_the_plugin_keeps_the_types_that_are_said_to_be_held_against_it() -> None:
    (plugin,) = (witness for witness in WITNESSES if witness.name == "plugin")
    assert plugin.types == RESOURCES.keys()
