"""The write side: a folder of files becomes an index on disk. Never imports `qa`."""
