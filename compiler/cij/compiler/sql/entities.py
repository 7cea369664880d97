"""Entity tables: tables that customers and events relate to.

entity_<name>("#key", <fields>)     a row for each row of the entity's source; the key as text
"""

# No field can have this name, because a name of the language has no `#`.
KEY = "#key"


def entity_table(entity: str) -> str:
    """Return the name of the table of an entity."""
    return f"entity_{entity}"
