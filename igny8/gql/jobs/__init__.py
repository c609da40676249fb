"""Jobs in the schema: what they are, what may be done with them, and what happens to them, live."""
