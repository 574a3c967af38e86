"""Signing in with another site: OpenID Connect, and GitHub's OAuth 2.

This package speaks the protocols, and ends with a `Profile` of whom the site vouches for. Whose account here that is,
core_api.domains.identities decides.
"""
