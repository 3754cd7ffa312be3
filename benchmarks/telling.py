"""What a benchmark tells whoever waits for it."""

from collections.abc import Callable

Tell = Callable[[str], None]
"""Takes one line of progress."""
