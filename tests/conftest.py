"""What keeps all tests together fast enough to be run all the time."""

from __future__ import annotations

import gc

# The providers' SDKs are a third of a million objects that stay. While they are loaded, the collector looks at them
# again and again and finds nothing; afterwards every full collection would take 0.3 s.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
