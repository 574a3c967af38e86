"""Words."""

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {}
