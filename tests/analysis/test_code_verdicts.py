"""What is said when code and product disagree: each fault has its Worker, binding, place and the line that mends it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bulkhead.analysis.code.reader import Beyond, Error, Facts, Loss, SourceLocation, Use, exports_of
from bulkhead.analysis.code.verdicts import faults, places
from bulkhead.model.bindings import D1, KV, DurableObject, Json, Secret, Service
from bulkhead.model.faults import Fault
from bulkhead.model.product import STAGE_VARIABLES, Database, Escape, Namespace, Product, Queue, StageSecret, Worker

FILE = "worker/src/web/index.ts"
WEB = Worker(
    "web",
    "worker/dist/web.js",
    bindings=(
        KV("SESSIONS", "sessions", access="read"),
        Secret("KEY", "sessionKey"),
        Service("ROOMS", "rooms", "Doors"),
    ),
    host="@",
)
ROOMS = Worker(
    "rooms",
    "worker/dist/rooms.js",
    bindings=(D1("DB", "main"), DurableObject("ROOM", "Room"), Json("LIMITS", {"open": True})),
    owns=("Room",),
)
PRODUCT = Product(
    "hotel",
    workers=(WEB, ROOMS),
    databases=(Database("main"),),
    namespaces=(Namespace("sessions"),),
    secrets=(StageSecret("sessionKey"),),
)


def at(line: int, file: str = FILE) -> SourceLocation:
    return SourceLocation(file, line, 5)


def used(*names: str) -> tuple[Use, ...]:
    return tuple(Use(name, at(line)) for line, name in enumerate(names, 1))


ALL_OF_WEB = Facts(uses=used("SESSIONS", "KEY", "ROOMS"))
ALL_OF_ROOMS = Facts(uses=used("DB", "ROOM", "LIMITS"))


def judged(web: Facts, product: Product = PRODUCT) -> list[Fault]:
    return faults(product, {"web": web, "rooms": ALL_OF_ROOMS})


def with_escapes(*escapes: Escape) -> Product:
    return replace(PRODUCT, workers=(replace(WEB, escapes=escapes), ROOMS))


def test_code_that_uses_just_what_it_is_granted_is_right() -> None:
    assert judged(ALL_OF_WEB) == []


def test_what_is_used_and_not_granted_is_named_with_its_place_and_the_line_to_write() -> None:
    [fault] = judged(replace(ALL_OF_WEB, uses=(*ALL_OF_WEB.uses, Use("DB", at(9)))))
    assert (fault.file, fault.key) == (f"{FILE}:9:5", "workers.web.bindings.DB")
    assert "undefined" in fault.message
    assert 'Worker(name="web", bindings=(..., D1("DB", "main")))' in fault.fix


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("ROOM", 'DurableObject("ROOM", "Room", "rooms")'),
        ("LIMITS", "Json(\"LIMITS\", {'open': True})"),
        ("NEW", '<kind>("NEW", ...)'),
    ],
)
def test_the_line_to_write_is_the_one_that_another_worker_has(name: str, line: str) -> None:
    [fault] = judged(replace(ALL_OF_WEB, uses=(*ALL_OF_WEB.uses, Use(name, at(9)))))
    assert line in fault.fix


def test_what_is_granted_and_not_used_is_named_with_the_line_to_remove() -> None:
    [fault] = judged(Facts(uses=used("SESSIONS", "KEY")))
    assert (fault.file, fault.key) == ("worker/src/web/index.ts", "workers.web.bindings.ROOMS")
    assert 'Service("ROOMS", "rooms", "Doors")' in fault.fix


def test_stage_variables_are_everybodys_and_may_stay_unused() -> None:
    assert judged(replace(ALL_OF_WEB, uses=(*ALL_OF_WEB.uses, *used(*STAGE_VARIABLES)))) == []


def test_writing_what_is_granted_for_reading_is_refused() -> None:
    [fault] = judged(replace(ALL_OF_WEB, beyond=(Beyond(("SESSIONS",), ("put",), at(3)),)))
    assert fault.key == "workers.web.bindings.SESSIONS"
    assert "put" in fault.message
    assert 'KV("SESSIONS", "sessions")' in fault.fix


def test_losing_the_type_of_what_is_granted_for_reading_is_refused() -> None:
    [fault] = judged(replace(ALL_OF_WEB, beyond=(Beyond(("SESSIONS",), (), at(3)),)))
    assert "loses the type" in fault.message


@pytest.mark.parametrize("into", ["any", "console.log", "hono", "spread", "computed key"])
def test_an_env_that_nobody_can_follow_is_refused_until_it_is_declared(into: str) -> None:
    facts = replace(ALL_OF_WEB, losses=(Loss(into, at(7)),))
    [fault] = judged(facts)
    assert (fault.file, fault.key) == (f"{FILE}:7:5", "workers.web")
    assert f'Escape("{FILE}", "{into}", ' in fault.fix
    assert judged(facts, with_escapes(Escape(FILE, into, "it only reads the stage"))) == []


def test_a_declaration_holds_for_its_file_and_its_receiver_alone() -> None:
    facts = replace(
        ALL_OF_WEB, losses=(Loss("hono", at(7, "worker/src/web/other.ts")), Loss("any", at(8)), Loss("hono", at(9)))
    )
    found = judged(facts, with_escapes(Escape(FILE, "hono", "our router")))
    assert [fault.file for fault in found] == [f"{FILE}:8:5", "worker/src/web/other.ts:7:5"]


def test_a_declaration_of_what_no_longer_happens_is_refused() -> None:
    [fault] = judged(ALL_OF_WEB, with_escapes(Escape(FILE, "hono", "our router")))
    assert fault.key == "workers.web.escapes"
    assert f'Escape("{FILE}", "hono", "our router")' in fault.fix


def test_what_is_used_beyond_an_escape_counts_as_used() -> None:
    facts = Facts(uses=used("SESSIONS", "KEY"), losses=(Loss("hono", at(7)),))
    assert judged(facts, with_escapes(Escape(FILE, "hono", "our router", uses=("ROOMS",)))) == []
    assert [fault.key for fault in judged(facts, with_escapes(Escape(FILE, "hono", "our router")))] == [
        "workers.web.bindings.ROOMS"
    ]


def test_code_that_cannot_be_read_is_a_fault_and_its_unused_bindings_are_not_guessed() -> None:
    [fault] = judged(Facts(errors=(Error("does not compile (TS1005): ';' expected.", at(4)),)))
    assert fault.file == f"{FILE}:4:5"
    assert "TS1005" in fault.message


def test_where_a_binding_is_missing_nobody_is_told_to_remove_the_others() -> None:
    assert [fault.key for fault in judged(Facts(uses=(Use("DB", at(9)),)))] == ["workers.web.bindings.DB"]


def test_a_binding_that_the_code_can_do_without_need_not_be_granted() -> None:
    assert judged(replace(ALL_OF_WEB, uses=(*ALL_OF_WEB.uses, Use("DB", at(9), optional=True)))) == []
    both = (*ALL_OF_WEB.uses, Use("DB", at(9), optional=True), Use("DB", at(10)))
    assert [fault.file for fault in judged(replace(ALL_OF_WEB, uses=both))] == [f"{FILE}:10:5"]


def test_many_places_of_one_fault_are_one_fault() -> None:
    uses = (*ALL_OF_WEB.uses, *(Use("DB", at(line)) for line in range(9, 25)))
    [missing] = judged(replace(ALL_OF_WEB, uses=uses))
    assert (missing.file, "15 more places" in missing.message) == (f"{FILE}:9:5", True)
    [loss] = judged(replace(ALL_OF_WEB, losses=tuple(Loss("any", at(line)) for line in range(9, 25))))
    assert (loss.file, "15 more places" in loss.message) == (f"{FILE}:9:5", True)


def test_bindings_of_a_kind_that_a_framework_uses_are_used() -> None:
    assert judged(Facts(uses=used("SESSIONS", "KEY"), kinds=("Fetcher",))) == []


def test_a_framework_that_uses_a_kind_of_which_nothing_is_granted_would_find_nothing() -> None:
    [fault] = judged(replace(ALL_OF_WEB, kinds=("DurableObjectNamespace",)))
    assert (fault.key, "every DurableObjectNamespace" in fault.message) == ("workers.web.bindings", True)


def test_an_escape_into_a_framework_that_is_followed_is_neither_needed_nor_wrong() -> None:
    facts = replace(ALL_OF_WEB, followed=((FILE, "hono"),))
    assert judged(facts) == []
    assert judged(facts, with_escapes(Escape(FILE, "hono", "our router"))) == []


def test_a_module_that_is_not_there_is_named_and_can_be_declared() -> None:
    facts = replace(ALL_OF_WEB, losses=(Loss("../build/server", at(1), absent=True),))
    [fault] = judged(facts)
    assert "imports `../build/server`, which is not there" in fault.message
    assert judged(facts, with_escapes(Escape(FILE, "../build/server", "made by the build"))) == []


def test_an_entry_without_what_others_call_is_refused() -> None:
    [fault] = judged(replace(ALL_OF_WEB, missing=("default",)))
    assert (fault.file, fault.key) == ("worker/src/web/index.ts", "workers.web")


def test_everything_is_said_at_once() -> None:
    web = Facts(
        uses=(*used("SESSIONS", "KEY"), Use("DB", at(9))),
        beyond=(Beyond(("SESSIONS",), ("put",), at(3)),),
        losses=(Loss("any", at(4)),),
        missing=("default",),
    )
    found = faults(PRODUCT, {"web": web, "rooms": Facts()})
    assert len(found) == 4 + 3
    assert all(fault.message and fault.fix and fault.key.startswith("workers.") for fault in found)


def test_exports_are_the_objects_what_others_call_and_where_requests_arrive() -> None:
    clerk = Worker("clerk", "clerk.js")
    product = replace(PRODUCT, workers=(WEB, ROOMS, clerk), queues=(Queue("jobs", consumer="clerk"),))
    assert [exports_of(worker, product) for worker in product.workers] == [
        ("default",),
        ("Doors", "Room"),
        ("default",),
    ]


def test_uses_are_listed_by_name_with_every_place() -> None:
    facts = Facts(uses=(Use("DB", at(9)), Use("AI", at(3)), Use("DB", at(2)), Use("DB", at(9))))
    assert places(facts) == {"AI": [f"{FILE}:3:5"], "DB": [f"{FILE}:2:5", f"{FILE}:9:5"]}
