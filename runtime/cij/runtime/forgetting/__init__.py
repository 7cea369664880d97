"""Forgetting one person (S27): who they are, every place that may hold them, and how each is emptied.

    identifying.py   what identifies them: ids, keys of records, addresses
    tables.py        a row for each table of the store
    traces_in_files.py   a row for each kind of file in the folder of the project
    erase.py         empties the tables, and reads them for an export

A table or a file without a row fails a test.
"""
