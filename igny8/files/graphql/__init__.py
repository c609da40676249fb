"""Uploads in the schema."""
