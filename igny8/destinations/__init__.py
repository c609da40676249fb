"""How articles reach other people's systems, and are looked at there: one adapter for each kind of system."""
