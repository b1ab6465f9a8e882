"""The pool of connections, and what each session is set to: as the service's, and as SQLAlchemy's and asyncpg's documents advise.

Reads run in AUTOCOMMIT: no BEGIN and ROLLBACK around one SELECT. A vector goes from one statement to the next as the bytes that it
is. The index of a worker is what the service's keeper of it has measured when the worker starts."""
import os

import ujson
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

# Of each worker: with two of them as many as the service has lanes and writers.
POOL_SIZE = int(os.environ.get("PEER_POOL_SIZE", "8"))
SESSION = "SELECT set_config('timezone', 'UTC', false)"
INDEX = ("SELECT method, effort FROM vector_indexes WHERE effort > 0 AND EXISTS (SELECT FROM pg_extension"
         " WHERE extname = 'vector' AND string_to_array(extversion, '.')::int[] >= '{0,8}')")
STAGE = ";".join(f"CREATE TEMP TABLE stage_{noun} (LIKE {noun}) ON COMMIT DELETE ROWS" for noun in ("spans", "resources", "scopes"))
LISTS_READ_FACTOR, PROBES_MAX = 8, 32768


def jsonb_of(text):
    return b"\x01" + text.encode()


def of_jsonb(value):
    return ujson.loads(value[1:])


class Database:
    def __init__(self, url, **settings):
        self.engine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"), isolation_level="AUTOCOMMIT", pool_size=POOL_SIZE, max_overflow=0,
            pool_pre_ping=False,
            connect_args={"prepared_statement_cache_size": 512, "server_settings": {"application_name": "peer", **settings}})
        self.method = None
        event.listens_for(self.engine.sync_engine, "connect")(self.on_connect)

    def on_connect(self, connection, _record):
        connection.run_async(self.set_up)

    async def set_up(self, raw):
        await raw.set_type_codec("vector", schema="public", encoder=bytes, decoder=bytes, format="binary")
        await raw.set_type_codec("jsonb", schema="pg_catalog", encoder=jsonb_of, decoder=of_jsonb, format="binary")
        await raw.execute(SESSION)
        await raw.execute(STAGE)
        index = await raw.fetchrow(INDEX)
        if index is None:
            return
        self.method, effort = index
        if self.method == "ivfflat":
            await raw.execute(f"SET ivfflat.probes = {effort}; SET ivfflat.iterative_scan = relaxed_order;"
                              f" SET ivfflat.max_probes = {min(effort * LISTS_READ_FACTOR, PROBES_MAX)}")
        else:
            await raw.execute(f"SET hnsw.ef_search = {effort}; SET hnsw.iterative_scan = relaxed_order")

    def connect(self):
        return self.engine.connect()
