"""The planner in the schema: types with their edges, and mutations by what they are about."""
