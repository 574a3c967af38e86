"""Attempts to instruct the assistant from inside documents."""
