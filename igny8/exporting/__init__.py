"""Exports: records of a site or an account as a file."""
