#!/usr/bin/env python3
"""Holds the Dockerfile, docker-compose.yml and docker/ true to each other and to the binary.

Every path that is mounted or copied exists, every service and port that is named is there, every TRACEKIN_
variable is one the binary knows with a value it accepts, every database account agrees with its server's.
"""
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import unittest
from urllib.parse import urlsplit

import yaml

TREE = pathlib.Path(__file__).resolve().parents[2]
BINARY = TREE / "build/release/tracekin"


def read(path):
    return (TREE / path).read_text(encoding="utf-8")


def substituted(text, environment=()):
    """What compose makes of ${NAME:-default}."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda m: dict(environment).get(m[1], m[2]), text)


def instructions(text):
    """The (name, arguments) pairs of a Dockerfile."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.M))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


COMPOSE = yaml.safe_load(substituted(read("docker-compose.yml")))
SERVICES = COMPOSE["services"]
UNASKED = {"collector"}  # its image has nothing to ask it with
DOCKERFILE = instructions(read("Dockerfile"))
IGNORED = [line for line in read(".dockerignore").splitlines() if line and not line.startswith("#")]


def of_dockerfile(name):
    return [arguments for instruction, arguments in DOCKERFILE if instruction == name]


def mounts(service):
    """(source, target) of each volume, the mode left off."""
    return [tuple(v.split(":")[:2]) for v in SERVICES[service].get("volumes", [])]


def published(service):
    """Container ports that the host can reach."""
    return {int(p.rsplit(":", 1)[1]) for p in SERVICES[service].get("ports", [])}


def in_build_context(path):
    """Whether .dockerignore lets `path`, a file or folder of the tree, into the build."""
    kept = True
    top = path.split("/", 1)[0]
    for pattern in IGNORED:
        if fnmatch.fnmatch(top, pattern.lstrip("!")):
            kept = pattern.startswith("!")
    return kept


def run_binary(command, environment):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TRACEKIN_")}
    return subprocess.run([BINARY, command], env={**clean, **environment}, capture_output=True, text=True, timeout=30, check=False)


def known_variables():
    shown = run_binary("check-config", {"TRACEKIN_DATABASE_URL": "postgresql://tracekin@postgres/tracekin"})
    return set(re.findall(r"TRACEKIN_[A-Z_]+", shown.stdout + shown.stderr))


def image_environment():
    return dict(pair.split("=", 1) for line in of_dockerfile("ENV") for pair in line.split())


def service_environment():
    return {**image_environment(), **SERVICES["tracekin"]["environment"]}


def listen_port():
    return int(service_environment()["TRACEKIN_LISTEN"].rsplit(":", 1)[1])


class Dockerfile(unittest.TestCase):
    def test_copies_what_is_there(self):
        for arguments in of_dockerfile("COPY"):
            words = arguments.split()
            if words[0].startswith("--from="):
                continue
            for source in words[:-1]:
                self.assertTrue((TREE / source).exists(), f"COPY {source}: not in the tree")
                self.assertTrue(source == "." or in_build_context(source), f"COPY {source}: .dockerignore leaves it out")

    def test_context_holds_what_cmake_needs(self):
        kept = [p.lstrip("!") for p in IGNORED if p.startswith("!")]
        for path in kept:
            self.assertTrue((TREE / path).exists(), f".dockerignore keeps {path}, which is not in the tree")
        for layer in ("core", "db", "api", "service", "CMakeLists.txt", "CMakePresets.json", "openapi.yaml"):
            self.assertTrue(in_build_context(layer), f"{layer} is not in the build context")
        self.assertFalse(in_build_context(".git"))
        self.assertFalse(in_build_context("build"))

    def test_copies_what_it_built(self):
        built = [a.split() for a in of_dockerfile("COPY") if a.startswith("--from=build")]
        presets = json.loads(read("CMakePresets.json"))["configurePresets"]
        self.assertIn("release", [p["name"] for p in presets])
        self.assertEqual([["--from=build", "/src/build/release/tracekin", "/usr/local/bin/tracekin"]], built)

    def test_runs_as_a_number(self):
        (user,) = of_dockerfile("USER")
        self.assertRegex(user, r"^[1-9][0-9]*:[1-9][0-9]*$")

    def test_starts_no_shell_and_fetches_nothing(self):
        for name in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
            for arguments in of_dockerfile(name):
                self.assertTrue(arguments.endswith("]"), f"{name} {arguments} starts a shell")
        self.assertEqual([], of_dockerfile("ADD"))
        self.assertNotRegex(" ".join(of_dockerfile("RUN")), r"\b(curl |wget|pip|chmod|setcap|sudo)\b")

    def test_the_image_holds_the_program_and_no_tools(self):
        final = DOCKERFILE[max(i for i, (name, _) in enumerate(DOCKERFILE) if name == "FROM"):]
        installed = " ".join(arguments for name, arguments in final if name == "RUN")
        self.assertNotRegex(installed, r"\bgcc\b|cmake|-dev\b")
        self.assertEqual("USER", [name for name, _ in final if name in ("RUN", "COPY", "USER")][-1])

    def test_port_signal_and_health(self):
        self.assertEqual([str(listen_port())], of_dockerfile("EXPOSE"))
        self.assertEqual(["SIGTERM"], of_dockerfile("STOPSIGNAL"))
        self.assertRegex(of_dockerfile("HEALTHCHECK")[0], r'CMD \["tracekin", "healthcheck"\]$')
        self.assertEqual(['["tracekin"]'], of_dockerfile("ENTRYPOINT"))
        self.assertEqual(['["serve"]'], of_dockerfile("CMD"))


class Compose(unittest.TestCase):
    def test_mounts_are_there(self):
        for service in SERVICES:
            for source, target in mounts(service):
                if source.startswith("."):
                    self.assertTrue((TREE / source).is_file(), f"{service} mounts {source}, which is not a file of the tree")
                else:
                    self.assertIn(source, COMPOSE["volumes"], f"{service} mounts an undeclared volume")
                self.assertTrue(target.startswith("/"))

    def test_every_volume_and_file_is_used(self):
        used = {source for service in SERVICES for source, _ in mounts(service)}
        self.assertEqual(set(COMPOSE["volumes"]), {u for u in used if not u.startswith(".")})
        files = {"./" + str(p.relative_to(TREE)) for p in (TREE / "docker").rglob("*") if p.is_file()}
        self.assertEqual(files, {u for u in used if u.startswith(".")})

    def test_commands_name_mounted_files(self):
        for service in SERVICES:
            targets = {target for _, target in mounts(service)}
            for argument in SERVICES[service].get("command", []):
                found = re.match(r"(?:--config(?:\.file)?|config_file|--storage\.tsdb\.path)=(.*)", argument)
                if found:
                    self.assertIn(found[1], targets, f"{service}: {argument}")

    def test_dependencies_can_be_met(self):
        for service, body in SERVICES.items():
            for needed, how in body.get("depends_on", {}).items():
                self.assertIn(needed, SERVICES)
                self.assertEqual("service_healthy", how["condition"])
                self.assertTrue("healthcheck" in SERVICES[needed], f"{service} waits for {needed}, which tells no health")

    def test_hardened(self):
        for service, body in SERVICES.items():
            with self.subTest(service):
                self.assertIs(True, body["read_only"])
                self.assertEqual(["ALL"], body["cap_drop"])
                self.assertEqual(["no-new-privileges:true"], body["security_opt"])
                self.assertLessEqual(body["pids_limit"], 1024)
                self.assertIn("stop_grace_period", body)
                self.assertIn("healthcheck", {**body, "healthcheck": None} if service in UNASKED else body)
                opened = {"privileged", "network_mode", "pid", "ipc", "userns_mode", "devices", "user", "cgroup_parent"} & set(body)
                self.assertEqual(set(), opened)
                for port in body.get("ports", []):
                    self.assertTrue(port.startswith("127.0.0.1:"), f"{port} is reachable from other machines")

    def test_the_service_can_write_nothing(self):
        self.assertEqual(set(), {"volumes", "tmpfs", "cap_add"} & set(SERVICES["tracekin"]))

    def test_only_the_database_keeps_capabilities(self):
        self.assertEqual(["postgres"], [name for name, body in SERVICES.items() if "cap_add" in body])

    def test_what_is_mounted_from_the_tree_is_read_only(self):
        for service, body in SERVICES.items():
            for volume in body.get("volumes", []):
                self.assertTrue(not volume.startswith(".") or volume.endswith(":ro"), f"{service}: {volume}")
                self.assertNotIn("docker.sock", volume)

    def test_ports(self):
        self.assertEqual({listen_port()}, published("tracekin"))
        receivers = COLLECTOR["receivers"]["otlp"]["protocols"]
        listened = {int(r["endpoint"].rsplit(":", 1)[1]) for r in receivers.values()}
        self.assertLessEqual(published("collector"), listened)


class Database(unittest.TestCase):
    def test_url_is_that_of_the_server(self):
        for password in ("tracekin", "p@ss/w%rd"):
            services = yaml.safe_load(substituted(read("docker-compose.yml"), {"POSTGRES_PASSWORD": password}))["services"]
            server, client = services["postgres"]["environment"], services["tracekin"]["environment"]
            url = urlsplit(client["TRACEKIN_DATABASE_URL"])
            self.assertEqual(("postgres", 5432), (url.hostname, url.port))
            self.assertEqual((server["POSTGRES_USER"], None, "/" + server["POSTGRES_DB"]), (url.username, url.password, url.path))
            self.assertEqual((password, password), (server["POSTGRES_PASSWORD"], client["PGPASSWORD"]))

    def test_healthcheck_asks_by_tcp(self):
        check = SERVICES["postgres"]["healthcheck"]["test"]
        account = SERVICES["postgres"]["environment"]
        self.assertEqual(["CMD", "pg_isready", "-h", "127.0.0.1", "-U", account["POSTGRES_USER"], "-d", account["POSTGRES_DB"]], check)

    def test_is_not_published(self):
        self.assertEqual(set(), published("postgres"))

    def test_shared_memory_holds_index_builds(self):
        memory = re.search(r"^maintenance_work_mem = (\d+)MB", read("docker/postgres/tracekin.conf"), flags=re.M)
        size = re.fullmatch(r"(\d+)gb", SERVICES["postgres"]["shm_size"])
        self.assertGreaterEqual(int(size[1]) * 1024, int(memory[1]))


class Variables(unittest.TestCase):
    def test_each_is_known(self):
        known = known_variables()
        self.assertIn("TRACEKIN_LISTEN", known)
        for name in set(re.findall(r"TRACEKIN_[A-Z_]+", read("Dockerfile") + read("docker-compose.yml"))):
            self.assertIn(name, known, f"{name} is not a variable of the binary")

    def test_the_binary_accepts_the_stack(self):
        checked = run_binary("check-config", service_environment())
        self.assertEqual(0, checked.returncode, checked.stderr)

    def test_embeddings_are_configured_from_outside(self):
        names = {name for name in known_variables() if name.startswith("TRACEKIN_EMBEDDINGS_")}
        given = {name: f"of {name}" for name in names}
        passed = yaml.safe_load(substituted(read("docker-compose.yml"), given))["services"]["tracekin"]["environment"]
        self.assertIn("TRACEKIN_EMBEDDINGS_URL", names)
        self.assertEqual(given, {name: value for name, value in passed.items() if name in names})

    def test_the_image_alone_asks_for_a_decision(self):
        checked = run_binary("check-config", {**image_environment(), "TRACEKIN_DATABASE_URL": "postgresql://x@postgres/x"})
        self.assertNotEqual(0, checked.returncode, "an image without keys must not serve every network")

    def test_healthcheck_is_the_images(self):
        self.assertEqual(["CMD", "tracekin", "healthcheck"], SERVICES["tracekin"]["healthcheck"]["test"])


COLLECTOR = yaml.safe_load(read("docker/collector/config.yaml"))
PROMETHEUS = yaml.safe_load(read("docker/prometheus/prometheus.yml"))


class Collector(unittest.TestCase):
    def test_forwards_to_the_service(self):
        exporter = COLLECTOR["exporters"]["otlphttp"]
        url = urlsplit(exporter["endpoint"])
        self.assertEqual(("http", "tracekin", listen_port(), ""), (url.scheme, url.hostname, url.port, url.path))
        self.assertEqual("gzip", exporter["compression"])
        self.assertTrue(exporter["retry_on_failure"]["enabled"] and exporter["sending_queue"]["enabled"])

    def test_pipelines_use_what_is_defined(self):
        self.assertEqual({"traces", "logs", "metrics"}, set(COLLECTOR["service"]["pipelines"]))
        for pipeline in COLLECTOR["service"]["pipelines"].values():
            for kind in ("receivers", "processors", "exporters"):
                self.assertLessEqual(set(pipeline[kind]), set(COLLECTOR[kind]))


class Prometheus(unittest.TestCase):
    def test_targets_are_services(self):
        readers = COLLECTOR["service"]["telemetry"]["metrics"]["readers"]
        ports = {"tracekin": listen_port(), "collector": readers[0]["pull"]["exporter"]["prometheus"]["port"], "127.0.0.1": 9090}
        targets = [t for job in PROMETHEUS["scrape_configs"] for s in job["static_configs"] for t in s["targets"]]
        self.assertEqual({f"{host}:{port}" for host, port in ports.items()}, set(targets))
        self.assertIn("tracekin", SERVICES)
        self.assertIn("collector", SERVICES)
        self.assertEqual({9090}, published("prometheus"))

    def test_rule_files_are_mounted_beside(self):
        targets = {target for _, target in mounts("prometheus")}
        for name in PROMETHEUS["rule_files"]:
            self.assertTrue((TREE / "docker/prometheus" / name).is_file())
            self.assertIn(f"/etc/tracekin/{name}", targets)

    def test_every_alert_is_tried(self):
        tried = read("tests/prometheus/rules_test.yml")
        for group in yaml.safe_load(read("docker/prometheus/alerts.yml"))["groups"]:
            for rule in group["rules"]:
                self.assertIn(rule["alert"], tried)

    def test_alerts_name_sections_of_the_runbooks(self):
        runbooks = "".join(read(f"docs/runbooks/{name}.md") for name in ("OPERATIONS", "INDEX_MANAGEMENT", "SECURE_SETUP"))
        for group in yaml.safe_load(read("docker/prometheus/alerts.yml"))["groups"]:
            for rule in group["rules"]:
                for section in re.findall(r'"([^"]+)"', rule["annotations"]["description"]):
                    self.assertIn(f"\n## {section}\n", runbooks)

    def promtool(self, *arguments):
        promtool = os.environ.get("PROMTOOL")
        if not promtool:
            self.skipTest("PROMTOOL names no promtool; ./dev test sets it")
        checked = subprocess.run([promtool, *arguments], cwd=TREE, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(0, checked.returncode, checked.stdout + checked.stderr)

    def test_promtool_agrees(self):
        self.promtool("check", "config", "docker/prometheus/prometheus.yml")

    def test_promtool_agrees_with_the_rules(self):
        self.promtool("check", "rules", "docker/prometheus/recording.yml", "docker/prometheus/alerts.yml")

    def test_rules_do_what_they_say(self):
        self.promtool("test", "rules", "tests/prometheus/rules_test.yml")


class Grafana(unittest.TestCase):
    def test_finds_its_dashboard_and_its_data(self):
        targets = dict((target, source) for source, target in mounts("grafana"))
        (provider,) = yaml.safe_load(read("docker/grafana/dashboards.yml"))["providers"]
        folder = provider["options"]["path"]
        self.assertIn(f"{folder}/tracekin.json", targets)
        self.assertEqual(f"{folder}/tracekin.json", SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
        (source,) = yaml.safe_load(read("docker/grafana/datasources.yml"))["datasources"]
        self.assertEqual(("prometheus", 9090), (urlsplit(source["url"]).hostname, urlsplit(source["url"]).port))
        self.assertEqual({3000}, published("grafana"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
