"""What the engine's events become for whoever watches."""

from __future__ import annotations

from pulumi.automation import EngineEvent

from bulkhead.engine.analyzer import ANALYZER
from bulkhead.engine.events import Diagnostic, PolicySpoke, translate
from bulkhead.engine.results import Record


def event(**parts: object) -> EngineEvent:
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, **parts})


def warning(message: str) -> list[object]:
    said = {
        "message": message,
        "color": "never",
        "severity": "warning",
        "prefix": "",
        "streamID": 0,
        "ephemeral": False,
    }
    return list(translate("staging", event(diagnosticEvent=said)))


def test_a_warning_is_told_without_colours() -> None:
    assert warning("<{%fg 3%}>the zone<{%reset%}> is shared\n") == [
        Diagnostic("staging", "warning", "the zone is shared")
    ]


def test_what_the_rehearsal_itself_arranged_is_no_news() -> None:
    assert warning(f"using {ANALYZER} from $PATH at /tmp/x/tools/{ANALYZER}") == []
    assert warning("using pulumi-analyzer-else from $PATH") != []


def test_a_policy_that_speaks_is_told_with_its_level() -> None:
    said = {
        "resourceUrn": "urn:it",
        "message": "it is open",
        "color": "never",
        "policyName": "r2-public",
        "policyPackName": "bulkhead",
        "policyPackVersion": "0.0.1",
        "policyPackVersionTag": "",
        "enforcementLevel": "mandatory",
    }
    spoke = PolicySpoke("staging", "mandatory", "r2-public", "it is open", "urn:it")
    assert list(translate("staging", event(policyEvent=said))) == [spoke]


def test_the_packs_that_were_asked_are_known_by_their_names() -> None:
    record = Record()
    summary = {"maybeCorrupt": False, "durationSeconds": 1, "resourceChanges": {"same": 3}}
    record.add_engine_event(event(summaryEvent={**summary, "PolicyPacks": {"bulkhead|local|/x/policies": "0.0.1"}}))
    assert record.packs == ["bulkhead"]
