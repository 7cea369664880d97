"""The table `applied`: which program came into the store, when, by whom, and from which texts."""

from cij.compiler.sql import query

# Texts are kept of so many: they are for a comparison with what runs, and for a way back.
TEXTS_KEPT = 20

ADD = query(
    "INSERT INTO applied (number, hash, at, what, who, revision, texts, share) "
    "SELECT COALESCE(MAX(a.number), 0) + 1, $hash, $now, $what, $who, $revision, $texts, $share "
    "FROM applied AS a"
)
FORGET_TEXTS = query(
    "UPDATE applied SET texts = NULL WHERE number <= (SELECT MAX(a.number) FROM applied AS a) - $kept"
)
# Shape: (number, hash, at, what, who, revision, share), the newest first.
ALL = query(
    "SELECT a.number, a.hash, a.at, a.what, a.who, a.revision, a.share FROM applied AS a "
    "ORDER BY a.number DESC"
)
TEXTS = query(
    "SELECT a.texts FROM applied AS a WHERE a.hash = $hash AND NOT a.texts IS NULL "
    "ORDER BY a.number DESC LIMIT 1"
)
