"""Entity tables: what customers and events relate to.

entity_<name>("#key", <fields>)     a row for each row of the entity's source; the key as text
"""

# The name of no field: fields are names of the language.
KEY = "#key"


def entity_table(entity: str) -> str:
    """Return the name of the table of an entity."""
    return f"entity_{entity}"
