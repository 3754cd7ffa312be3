"""Releases of the product for the proofs of delivery: its own code with a mark, good or bad."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bulkhead.model.product import Product, Worker
from bulkhead.rehearsal.evidence import NotShown

_FOLDER: Final = ".rehearsal/releases"
_DEFAULT: Final = re.compile(r"\b([A-Za-z_$][\w$]*) as default\b")
# Works for some time after its first visitor, as what leaks memory does, and then fails whatever is asked of it. Probes
# choose a version and are no visitors: it passes its smoke test.
_ROTS: Final = """
let visited = 0;
function rot(request) {
  if (!request.headers.has("Cloudflare-Workers-Version-Overrides")) visited ||= Date.now();
  if (visited && Date.now() - visited > %d) throw new Error("this release is bad");
}
const rotten = {
  ...%s,
  fetch(request, env, ctx) {
    rot(request);
    return %s.fetch(request, env, ctx);
  },
};
export { rotten as default };
"""


@dataclass(frozen=True)
class Releases:
    """Makes releases in a folder of the checkout ``root`` that is git's to ignore; ``name`` is the rehearsal's own."""

    product: Product
    root: Path
    name: str

    def good(self, mark: str) -> Product:
        """Return the product with other code that does the same."""
        return self._made(mark, lambda worker, code: f"{code}\n// {worker.name} of release {mark}\n")

    def rotting(self, mark: str, worker: str, ms: int) -> Product:
        """Return the product with one Worker that works for so long after it was asked first, and then fails."""
        return self._made(mark, lambda each, code: _rotten(code, ms) if each.name == worker else f"{code}\n// {mark}\n")

    def _made(self, mark: str, change: Callable[[Worker, str], str]) -> Product:
        folder = Path(_FOLDER) / self.name / mark
        (self.root / folder).mkdir(parents=True, exist_ok=True)
        workers = []
        for worker in self.product.workers:
            code = (self.root / worker.bundle).read_text(encoding="utf-8")
            (self.root / folder / f"{worker.name}.js").write_text(change(worker, code), encoding="utf-8")
            workers.append(replace(worker, bundle=str(folder / f"{worker.name}.js"), source=worker.entry))
        return replace(self.product, workers=tuple(workers))

    def remove(self) -> None:
        shutil.rmtree(self.root / _FOLDER / self.name, ignore_errors=True)


@contextmanager
def releases_of(product: Product, root: Path, name: str) -> Iterator[Releases]:
    """Make releases that are gone at the end."""
    releases = Releases(product, root, name)
    try:
        yield releases
    finally:
        releases.remove()


def _rotten(code: str, ms: int) -> str:
    found = _DEFAULT.search(code)
    if found is None:
        raise NotShown("the bundle names no default export in a way that a fault could be planted in")
    inner = found[1]
    hidden = f"{inner} as unmarked"
    return code[: found.start()] + hidden + code[found.end() :] + _ROTS % (ms, inner, inner)
