"""The REST protocol of WordPress 6.1, and pages to look at: what our client sees of a blog, kept in memory.

Everything it claims is shown by tests that pass against a real WordPress as well.
"""
