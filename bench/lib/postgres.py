"""The client programs of the server's own version, through the functions that bench/lib/begin.sh exports to bash."""
import os
import subprocess


def shell(command, **environment):
    """The output of a command; what it says of an error is on the terminal."""
    ran = subprocess.run(["bash", "-c", command], check=False, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    if ran.returncode != 0:
        raise SystemExit(f"cannot measure: exit status {ran.returncode} of {command}")
    return ran.stdout


def psql_until_done(database, *statements, tries=5):
    """For statements that a lock of the background may meet in a deadlock."""
    for _ in range(tries - 1):
        try:
            return psql(database, *statements)
        except SystemExit:
            continue
    return psql(database, *statements)


def psql(database, *statements):
    """The output of the statements, unaligned and without headings."""
    return shell('cluster_client psql "$DATABASE" -XqAt -v ON_ERROR_STOP=1 <<<"$STATEMENTS"', DATABASE=database,
                 STATEMENTS=";\n".join(statements)).strip()


def vector_settings(database):
    """What the service's sessions have set for the index over vectors (db/vector/vector_use.c), as options of a connection."""
    found = psql(database, "SELECT method, effort FROM vector_indexes ORDER BY generation DESC LIMIT 1")
    if not found:
        return ""
    method, effort = found.split("|")
    if method == "hnsw":
        return f"-c hnsw.ef_search={effort} -c hnsw.iterative_scan=relaxed_order"
    return f"-c ivfflat.probes={effort} -c ivfflat.max_probes={int(effort) * 8} -c ivfflat.iterative_scan=relaxed_order"


def pgbench(database, arguments, **environment):
    return shell(f'cluster_client pgbench -n -M prepared {arguments} "$DATABASE"', DATABASE=database, PGOPTIONS=vector_settings(database),
                 **environment)
