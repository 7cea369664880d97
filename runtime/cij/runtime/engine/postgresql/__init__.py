"""The engine PostgreSQL: a store that readers use beside the one writer.

session        connects, checks the server, translates its errors
writer_lock    the lock that makes one process the writer
made_tables    scratch tables, and tables of the store that a query makes anew
copy_rows      rows into and out of tables by COPY
values         values and names of types, as DuckDB has them
outcome        what became of a transaction whose COMMIT was not answered
server_engine  the engine itself
"""
