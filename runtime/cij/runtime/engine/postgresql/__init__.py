"""The engine PostgreSQL: a store that readers use beside the one writer.

session     connects, checks the server, translates its errors
writer_lock the lock that makes one process the writer
scratch     tables that belong to the session
rebuilding  tables of the store that are made anew from a query
copying     rows into tables by COPY
connection  the engine itself
"""
