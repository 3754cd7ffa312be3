"""What Cloudflare keeps of a Worker's logs and traces (pure), for the program and for wrangler alike (MON-9)."""

from __future__ import annotations

from typing import Any

from bulkhead.model.settings import StageSettings


def observability(settings: StageSettings) -> dict[str, Any]:
    """Return the settings of a Worker's observability, in the API's own words.

    Every field is set, because one left out shows a difference at each preview
    (cloudflare/terraform-provider-cloudflare#7155). The exception is the traces' propagation policy: setting it is an
    error 403 on accounts without that feature.
    """
    sampling = settings.workers
    return {
        "enabled": True,
        "head_sampling_rate": 1.0,
        "logs": {
            "enabled": True,
            "head_sampling_rate": sampling.log_sampling,
            "invocation_logs": True,
            "persist": True,
            "destinations": [],
        },
        "traces": {
            "enabled": sampling.trace_sampling > 0,
            "head_sampling_rate": sampling.trace_sampling,
            "persist": True,
            "destinations": [],
        },
    }
