"""What is kept on disk: the journal of a session, its lease, and the index over all sessions.

An adapter: it knows neither the other adapters nor the runtime, and of the state only what the codec needs.
The only importer of sqlite3.
"""
