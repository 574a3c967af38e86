"""The cookie of a signed-in browser."""

SESSION_COOKIE = "nexus_session"
