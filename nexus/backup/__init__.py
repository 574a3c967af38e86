"""The whole product in one file, back out of it, and from one place to another."""
