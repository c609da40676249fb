"""The system part of the schema: types, root fields, and mutations by what they are about."""
