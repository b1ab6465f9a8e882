"""What an endpoint asks of the database: recorded from the server's log while the endpoint is asked, statements and values.

So a benchmark holds an endpoint to the very SQL that it runs, without a second copy of it.
"""
import pathlib
import re
import time
import urllib.error
import urllib.request

from . import postgres

MARK = "@@statement "
_STATEMENT = re.compile(r"\d+: LOG:  duration: [0-9.]+ ms  (?:execute [^:]*|statement): (.*)", re.DOTALL)
_PARAMETERS = re.compile(r"\d+: DETAIL:  [Pp]arameters: (.*)", re.DOTALL)
_PARAMETER = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')", re.DOTALL)


# The types that the service gives its parameters, where the text shows them; the others follow from where they stand.
_TYPES = ((re.compile(r"\\x(?:[0-9a-f]{2})*"), "::bytea"), (re.compile(r"-?\d+"), "::bigint"),
          (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\+00"), "::timestamptz"))


def _type_of(value):
    return next((name for form, name in _TYPES if form.fullmatch(value)), "")


def ask(url, request):
    made = urllib.request.Request(url + request.path, data=request.body.encode() or None,
                                  headers={"Content-Type": "application/json"} if request.body else {})
    try:
        with urllib.request.urlopen(made) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        raise SystemExit(f"cannot measure: {request.path} was answered {error.code} {error.read()[:500].decode()}") from error


class Recorder:
    """Records with the server's log on; `log` is the file that it writes."""

    def __init__(self, database, url, log):
        self.database, self.url, self.log = database, url, pathlib.Path(log)
        self.vectors = {}
        postgres.psql(database, "SET client_min_messages = warning", "DROP TABLE IF EXISTS bench_vectors",
                      "CREATE TABLE bench_vectors (i int PRIMARY KEY, v vector)")

    def record(self, request):
        """The statements of the second answer, as a script of pgbench and its variables: the first prepares."""
        for _ in range(8):
            ask(self.url, request)
        self._logging(True)
        begin = self.log.stat().st_size
        ask(self.url, request)
        time.sleep(0.1)
        self._logging(False)
        with self.log.open("rb") as file:
            file.seek(begin)
            return self._script(file.read().decode())

    def _logging(self, on):
        settings = {"log_min_duration_statement": "0" if on else "-1", "log_line_prefix": f"'{MARK}%a:%p: '" if on else "''"}
        postgres.psql(self.database, *(f"ALTER SYSTEM SET {name} = {value}" for name, value in settings.items()),
                      "SELECT pg_reload_conf()")
        time.sleep(0.2)

    def _script(self, text):
        lines, variables, statement = [], {}, None
        for entry in text.split(MARK)[1:]:
            application, _, rest = entry.strip().partition(":")
            if application not in ("tracekin read", "tracekin search"):
                continue
            said, values = _STATEMENT.fullmatch(rest), _PARAMETERS.fullmatch(rest)
            if said:
                lines.append(said.group(1).rstrip("; "))
                statement = len(lines) - 1
            elif values and statement is not None:
                lines[statement] = self._with_values(lines[statement], values.group(1), variables, f"s{statement}p")
        if not lines:
            raise SystemExit("cannot measure: no statement of the request is in the server's log")
        return "".join(f"{line};\n" for line in lines), variables

    def _with_values(self, sql, text, variables, prefix):
        """NULL is written in place, as pgbench cannot send it; a vector is read from a table, so that it is not parsed each time."""
        values = {int(n): value for n, value in _PARAMETER.findall(text)}

        def place(match):
            n = int(match.group(1))
            value = values[n]
            if value == "NULL":
                return "NULL"
            value = value[1:-1].replace("''", "'")
            if value.startswith("[") and value.count(",") > 100:
                return f"(SELECT v FROM bench_vectors WHERE i = {self._vector(value)})"
            variables[f"{prefix}{n}"] = value
            return f" :{prefix}{n}{_type_of(value)}"
        return re.sub(r"\$(\d+)", place, sql)

    def _vector(self, value):
        if value not in self.vectors:
            self.vectors[value] = len(self.vectors)
            postgres.psql(self.database, f"INSERT INTO bench_vectors VALUES ({self.vectors[value]}, '{value}')")
        return self.vectors[value]
