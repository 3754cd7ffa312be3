"""What a deployment asks of its stage as a visitor: does it work, and are its caches those of the new version?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bulkhead.clients.rest import Rest
from bulkhead.delivery.probes import Prober, purge
from bulkhead.model.faults import Refused
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings


@dataclass(frozen=True)
class StageVisits:
    """Visits one stage. ``api`` purges its zone's cache."""

    prober: Prober
    product: Product
    settings: StageSettings
    api: Rest

    def smoke(self, versions: Mapping[str, str] | None) -> Sequence[str]:
        """Return what is wrong with the main functions, asked of ``versions`` or of whatever serves."""
        seen = self.prober.smoke(versions)
        if seen.failed or versions is not None:
            return [str(answer) for answer in seen.failed]
        return [str(answer) for answer in self.prober.health() if not answer.ok]

    def freshen(self) -> Sequence[str]:
        """Purge the caches and ask again for what is asked most; return what did not work (REL-11, CCH-8)."""
        return [*self._purged(), *(f"not warm: {answer}" for answer in self.prober.warm() if not answer.ok)]

    def _purged(self) -> Iterator[str]:
        hosts = self.product.hostnames(self.settings.cloudflare.hostname).values()
        try:
            purge(self.api, self.settings.cloudflare.zone_id, hosts=hosts)
        except Refused as refused:  # the new version serves: an old picture in a cache is no reason to take it back
            yield f"the cache was not purged: {'; '.join(map(str, refused.faults))}"
