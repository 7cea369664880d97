"""Which columns are likely to be about a person, by their names.

Of these the catalog keeps no values: it is committed, and read by more people than the data.
"""

import re

# Any of these words in a name is enough. Words of several languages, as schemas mix them.
_WORDS = frozenset(
    [
        "email",
        "mail",
        "emails",
        "phone",
        "phones",
        "mobile",
        "cell",
        "tel",
        "telephone",
        "fax",
        "address",
        "addr",
        "street",
        "road",
        "avenue",
        "postcode",
        "postal",
        "zip",
        "zipcode",
        "birth",
        "birthday",
        "birthdate",
        "born",
        "dob",
        "iban",
        "bic",
        "ssn",
        "passport",
        "tax",
        "nif",
        "dni",
        "ip",
        "lat",
        "lon",
        "lng",
        "latitude",
        "longitude",
        "surname",
        "firstname",
        "lastname",
        "fullname",
        "forename",
        "holder",
        "password",
        "secret",
        "token",
        "device",
        "nombre",
        "apellido",
        "apellidos",
        "correo",
        "direccion",
        "telefono",
        "vorname",
        "nachname",
        "strasse",
        "plz",
        "geburtstag",
        "prenom",
        "adresse",
        "naissance",
        "username",
        "login",
    ]
)
# `name` is a person's beside these or alone, and a thing's in `product_name`.
_OF_PEOPLE = frozenset(
    [
        "first",
        "last",
        "given",
        "family",
        "full",
        "middle",
        "maiden",
        "nick",
        "user",
        "customer",
        "client",
        "person",
        "contact",
        "member",
        "holder",
        "display",
        "legal",
    ]
)


def names_a_person(column: str) -> bool:
    """Tell whether the name of a column says that it holds what identifies a person."""
    words = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column).lower())
    if not _WORDS.isdisjoint(words):
        return True
    return "name" in words and (len(words) == 1 or not _OF_PEOPLE.isdisjoint(words))
