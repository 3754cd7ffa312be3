"""What a deployment asks of its stage as a visitor: does it work, and are its caches those of the new version?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
    say: Callable[[str], None]

    def smoke(self, versions: Mapping[str, str], *, forced: bool) -> Sequence[str]:
        """Return what is wrong with the main functions, which are to be answered by ``versions`` (DEP-8)."""
        ill = [answer for answer in self.prober.health(versions, forced=forced) if not answer.ok]
        if ill:
            return [str(answer) for answer in ill]
        seen = self.prober.smoke(versions, forced=forced)
        for left_out in seen.left_out if seen.ok else ():
            self.say(f"  not tried: {left_out}")
        return [str(answer) for answer in seen.failed]

    def freshen(self) -> Sequence[str]:
        """Purge the caches and ask again for what is asked most; return what did not work (REL-11, CCH-8)."""
        return [*self._purged(), *(f"not warm: {answer}" for answer in self.prober.warm() if not answer.ok)]

    def _purged(self) -> Iterator[str]:
        hosts = self.product.hostnames(self.settings.cloudflare.hostname).values()
        try:
            purge(self.api, self.settings.cloudflare.zone_id, hosts=hosts)
        except Refused as refused:  # the new version serves: an old picture in a cache is no reason to take it back
            yield f"the cache was not purged: {'; '.join(map(str, refused.faults))}"
