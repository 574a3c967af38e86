"""Which paths programs call, and not pages: the API's own, and those that speak as OpenAI's API does."""

OPENAI_PREFIX = "/v1"
_PROGRAMS = ("/api/", f"{OPENAI_PREFIX}/")


def is_api(path: str) -> bool:
    """Whether limits, log and protection of the API hold for a path."""
    return path.startswith(_PROGRAMS)


def speaks_openai(path: str) -> bool:
    """Whether errors at a path have OpenAI's shape and not that of a problem document."""
    return path.startswith(f"{OPENAI_PREFIX}/")
