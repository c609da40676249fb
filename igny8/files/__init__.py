"""Stored files and uploads."""
