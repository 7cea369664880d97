"""Make the data of this example: a shop export, orders, and a database of loyalty cards.

The people are invented. The two systems disagree about them on purpose: other spellings of names,
addresses in capitals or with spaces, two cards of one person, people whom only one system knows.
"""

import csv
import sqlite3
from pathlib import Path

DATA = Path(__file__).parent / "data"

# given name, family name, email, language, zone, newsletter, points on the card (None: no card)
PEOPLE = [
    ("Ana", "García", "ana.garcia@example.com", "es", "Europe/Madrid", "yes", 1500),
    ("Bob", "Miller", "bob.miller@example.com", "en", "Europe/London", "yes", 900),
    ("Chloé", "Dubois", "chloe.dubois@example.com", "fr", "Europe/Paris", "yes", 2300),
    ("Dieter", "Müller", "dieter@example.de", "de", "Europe/Berlin", "no", 4100),
    ("Eva", "Martín", "eva.martin@example.com", "es", "Atlantic/Canary", "yes", 1001),
    ("Farid", "حداد", "farid@example.com", "en", "Asia/Dubai", "yes", 1000),
    ("Grace", "O'Neill", "grace@example.ie", "en", "Europe/Dublin", "yes", 5200),
    ("Hiroshi", "田中", "hiroshi@example.jp", "en", "Asia/Tokyo", "yes", 1750),
    ("Inés", "Ruiz", "ines.ruiz@example.com", "es-MX", "America/Mexico_City", "yes", 3900),
    ("", "Jones", "jones@example.com", "en", "America/New_York", "yes", 1200),
    ("Karl", "Ng", "karl.ng@example.com", "en", "Asia/Kolkata", "", 1600),
    ("Luz", "Peña", "luz@example.com", "es", "Europe/Madrid", "yes", None),
    ("Mikel", "Etxeberria", "mikel@example.eus", "es", "Europe/Madrid", "yes", 8000),
    ("Noa", "כהן", "noa@example.com", "en", "Asia/Jerusalem", "yes", 2100),
    ("Olga", "Иванова", "olga@example.com", "en", "Europe/Madrid", "yes", 300),
    ("Pau", "Soler", "pau.soler@example.cat", "es", "Europe/Madrid", "yes", 1320),
]

ORDERS = [
    ("O-1001", "C-01", "2026-01-12 10:30", "120.00", ""),
    ("O-1002", "C-01", "2026-02-03 18:05", "95.50", ""),
    ("O-1003", "C-07", "2026-02-20 09:15", "310.00", "SPRING"),
    ("O-1004", "C-02", "2026-03-01 12:00", "20.00", ""),
    ("O-1005", "C-13", "2026-03-05 20:45", "75.25", ""),
    ("O-1006", "C-09", "2026-03-29 02:30", "199.99", ""),
]


def main() -> None:
    """Write the three files anew."""
    DATA.mkdir(exist_ok=True)
    write_shop(DATA / "shop_customers.csv")
    write_orders(DATA / "orders.csv")
    write_cards(DATA / "loyalty.db")


def write_shop(path: Path) -> None:
    """Write one row a person; some addresses are in capitals or have spaces around them."""
    names = ["customer_id", "given_name", "family_name", "email", "lang", "zone", "newsletter"]
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow([*names, "registered_on"])
        for n, (given, family, email, lang, zone, news, _) in enumerate(PEOPLE, 1):
            shown = f" {email.upper()} " if n % 5 == 0 else email
            row = [f"C-{n:02}", given, family, shown, lang, zone, news, f"2025-{n % 12 + 1:02}-15"]
            out.writerow(row)


def write_orders(path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["order_id", "customer_id", "ordered_at", "total", "coupon"])
        out.writerows(ORDERS)


def write_cards(path: Path) -> None:
    """Write the cards: holders in capitals, an old second card, and people the shop does not know."""
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE cards (card_no TEXT PRIMARY KEY, holder TEXT, mail TEXT, "
            "points INTEGER, updated_at TEXT, consent INTEGER)"
        )
        database.executemany("INSERT INTO cards VALUES (?, ?, ?, ?, ?, ?)", list(cards()))


def cards() -> list[tuple[str, str, str, int, str, int | None]]:
    """Return the rows of the card system."""
    found: list[tuple[str, str, str, int, str, int | None]] = []
    for n, (given, _, email, _, _, _, points) in enumerate(PEOPLE, 1):
        if points is not None:
            holder = given.upper()
            found.append(
                (f"K-{n:03}", holder, email, points, f"2026-02-{n % 27 + 1:02} 08:00", None)
            )
    # Bob's older card says more than his new one: the later record wins, so he is not loyal.
    found.append(("K-900", "ROBERT", "Bob.Miller@example.com", 1900, "2024-05-01 08:00", None))
    found.append(("K-901", "SOFIA", "sofia@example.com", 2750, "2026-02-11 08:00", 1))
    found.append(("K-902", "TOM", "tom@example.com", 3300, "2026-02-12 08:00", 0))
    found.append(("K-903", "URSULA", "", 1400, "2026-02-13 08:00", 1))
    return found


if __name__ == "__main__":
    main()
