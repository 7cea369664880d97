"""What a change of a project means for customers and messages, and what depends on what.

`compare` compares two projects, with a row for each kind of declaration; `review_report` has the result.
`lineage` follows names from the source column to the sentence in the mail. Nothing here reads files.
"""
