"""The product, said once for all stages: a small booking site with an AI chat.

Replace this file with your own product; nothing else needs to change. What a stage may differ in is a setting.
"""

from typing import Final

from bulkhead.model.bindings import AI, D1, KV, R2, DurableObject, QueueProducer, Secret, Service, VersionMetadata
from bulkhead.model.product import (
    APEX,
    HEALTH,
    Bucket,
    Cleaning,
    Database,
    Journey,
    Namespace,
    Place,
    Probe,
    Product,
    Queue,
    StageSecret,
    Worker,
)

WEB: Final = Worker(
    name="web",
    bundle="worker/dist/web.js",
    host=APEX,
    bindings=(
        KV("SESSIONS", "sessions"),
        Service("BOOKING", "booking"),
        Service("ASSISTANT", "assistant"),
        Secret("SESSION_KEY", "sessionKey"),
        VersionMetadata("VERSION"),
    ),
)

BOOKING: Final = Worker(
    name="booking",
    bundle="worker/dist/booking.js",
    owns=("BookingLedger",),
    bindings=(
        DurableObject("LEDGER", "BookingLedger"),
        D1("DB", "main"),
        QueueProducer("EVENTS", "events"),
        VersionMetadata("VERSION"),
    ),
)

ASSISTANT: Final = Worker(
    name="assistant",
    bundle="worker/dist/assistant.js",
    owns=("Conversation",),
    bindings=(
        DurableObject("CONVERSATION", "Conversation"),
        KV("ANSWERS", "answers"),
        R2("TRANSCRIPTS", "transcripts"),
        AI("AI"),
        VersionMetadata("VERSION"),
    ),
)

# Consumes what `booking` announces and keeps the audit log; the cron closes bookings that were never confirmed.
CLERK: Final = Worker(
    name="clerk",
    bundle="worker/dist/clerk.js",
    crons=("*/15 * * * *",),
    bindings=(D1("DB", "main"), VersionMetadata("VERSION")),
)

PRODUCT: Final = Product(
    name="harbor",
    workers=(WEB, BOOKING, ASSISTANT, CLERK),
    databases=(Database("main", migrations="worker/migrations/main"),),
    namespaces=(Namespace("sessions"), Namespace("answers")),
    buckets=(Bucket("transcripts", expire_after_days=(("tmp/", 30),)),),
    queues=(
        Queue("events", consumer="clerk", dead_letter="events-failed"),
        Queue("events-failed"),
    ),
    secrets=(
        StageSecret("sessionKey"),
        StageSecret("slackWebhook", pipeline=True, rotate_after_days=180),
    ),
    journeys=(
        Journey(
            "a booking",
            worker="web",
            path="/api/bookings",
            body={
                "memberEmail": "{mark}@visitor.example",
                "resource": "boat-{mark}",
                "startsAt": "2031-05-04T09:00:00Z",
                "minutes": 60,
            },
            leaves=((Place.DATABASE, "main"), (Place.OBJECT, "BookingLedger")),
            # The audit log keeps that it was made and withdrawn; it names no person.
            cleans=Cleaning("/api/bookings/{id}"),
        ),
        Journey(
            "a chat",
            worker="web",
            path="/api/chat",
            body={"message": "Is {mark} free on Sunday?"},
            leaves=((Place.BUCKET, "transcripts"), (Place.OBJECT, "Conversation")),
        ),
    ),
    probes=(
        Probe("the home page", "web", "/", holds="Book a place"),
        Probe("what everything depends on", "web", HEALTH, holds='"status":"ok"', reaches=("booking", "assistant")),
        Probe(
            "a booking is looked up",
            "web",
            "/api/bookings/00000000-0000-4000-8000-000000000000",
            status=404,
            holds="NO_BOOKING",
            reaches=("booking",),
        ),
        Probe("a wish is checked", "web", "/api/bookings", "POST", body={}, status=400, holds="memberEmail"),
        Probe("a question is checked", "web", "/api/chat", "POST", body={}, status=400, holds="message"),
    ),
    warm=(("web", "/"),),
)
