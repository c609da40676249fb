"""IGNY8: a multi-tenant GraphQL API server for SEO work."""

__version__ = "0.1.0"
