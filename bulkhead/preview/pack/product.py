"""The product that was written down for this run of the policies, where `find_product` finds it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from bulkhead.preview.proposed import FILE, read

PRODUCT: Final = read(Path(os.environ[FILE]))
