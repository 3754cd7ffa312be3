"""The product that was written to a file for this run of the policies; `find_product` imports it from here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from bulkhead.preview.proposed import FILE, read

PRODUCT: Final = read(Path(os.environ[FILE]))
