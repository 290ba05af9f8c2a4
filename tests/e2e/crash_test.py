#!/usr/bin/env python3
"""kill -9 of the node, of every agent process and (on Kafka) of the broker at random moments, while a file source and a PostgreSQL source load and land in
PostgreSQL; then: nothing lost, nothing doubled, counts balance. crash_test.py BUILD [SECONDS] [kafka]; HUILIU_SEED replays a run."""
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy/demo"))
import figures  # noqa: E402
import registry_data  # noqa: E402
from cluster import Cluster  # noqa: E402
from demo_purpose import PURPOSE  # noqa: E402
import approvals  # noqa: E402
from kafka import Kafka  # noqa: E402
from generate import citizen_id  # noqa: E402
from node import Node  # noqa: E402
from pki import Pki  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 25
ON_KAFKA = "kafka" in sys.argv[3:]
SEED = int(os.environ.get("HUILIU_SEED", time.time_ns() % 10**9))
CSV_ROWS, CASES = 40000, 20000


class CrashingNode(Node):
    """A node whose processes are killed and started again on the same ports."""

    def respawn(self, index):
        command, log = self.commands[index]
        self.processes[index] = subprocess.Popen(command, stdout=open(log, "a"), stderr=subprocess.STDOUT, start_new_session=True)

    def spawn(self, command, log):
        self.commands = getattr(self, "commands", [])
        self.commands.append((command, log))
        return super().spawn(command, log)


def children(pid):
    out = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return [int(p) for p in out]


def kill_loop(node, rng, until, kills, kafka):
    while time.time() < until:
        time.sleep(rng.uniform(0.2, 1.2))
        if kafka and rng.random() < 0.05:
            kafka.run("kill", "1")
            if kafka.run("start", "1") != 0:
                sys.exit("FAILED: the broker does not start again")
            kills.append("broker")
            continue
        index = rng.randrange(len(node.processes))
        process = node.processes[index]
        # the supervisor itself, or one of its workers
        victims = [process.pid, *children(process.pid)]
        victim = rng.choice(victims)
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            continue
        kills.append(os.path.basename(node.commands[index][0][0]))
        if victim == process.pid:
            process.wait()
            for orphan in victims[1:]:
                while os.path.exists(f"/proc/{orphan}") and rng.random() < 0.95:
                    time.sleep(0.01)
            node.respawn(index)


def write_csv(folder, rng):
    os.makedirs(folder)
    expected = {}
    with open(os.path.join(folder, "a.csv"), "w", encoding="utf-8") as file:
        file.write("个人编号,身份证号,姓名,参保地区划,参保地,单位统一社会信用代码,险种,参保状态,参保日期,操作,更新时间\n")
        for i in range(CSV_ROWS):
            number = f"P{rng.randrange(CSV_ROWS // 2):06d}"
            division = rng.choice(["530102", "530103", "532901"])
            at = f"2026-01-01 {i // 3600 % 24:02d}:{i // 60 % 60:02d}:{i % 60:02d}" if i < 86400 else "2026-01-02 00:00:00"
            status = rng.choice(["参保", "停保"])
            file.write(f"{number},{citizen_id(rng, division)},王,{division},,,养老,{status},2020-01-01,U,{at}\n")
            expected[number] = (division, status)
    return {n: s for n, (d, s) in expected.items() if d.startswith("5301")}


def load_cases(cluster, rng):
    """Inserts while the agents run; some rows are committed late, with an earlier cd_time."""
    for start in range(0, CASES, 500):
        values = ",".join(f"('r{i:06d}','n{i:06d}','{rng.choice(['530102001', '530103001', '532901001'])}','I',now() - interval '{rng.random() * 5:.3f} s')"
                          for i in range(start, start + 500))
        cluster.psql("province_approval", f"INSERT INTO up_pro_accept (row_guid, project_no, org_code, cd_operation, cd_time) VALUES {values}")
        time.sleep(0.15)


def settled(node, cluster, expected_csv):
    total = figures.balance(node)
    landed = figures.landed(cluster, ["insurance_participation", "case_accept"])
    cases = int(cluster.psql("province_approval", "SELECT count(*) FROM up_pro_accept WHERE org_code LIKE '5301%'"))
    return total["read"] == CSV_ROWS + CASES and landed == len(expected_csv) + cases


def main():
    rng = random.Random(SEED)
    print(f"seed {SEED}, {SECONDS} s of kills", flush=True)
    folder = tempfile.mkdtemp(prefix="huiliu-crash-")
    os.chmod(folder, 0o755)
    cluster = Cluster(os.path.join(folder, "postgresql"), os.path.join(folder, "postgresql.log"))
    node = CrashingNode(BUILD, folder, Pki(os.path.join(folder, "pki")))
    kafka = Kafka(BUILD, os.path.join(folder, "kafka"))
    try:
        if ON_KAFKA:
            kafka.start()
            node.backbone = kafka.node_lines()
        cluster.start()
        for database in ("province_approval", "hrss_bureau"):
            cluster.psql("postgres", f"CREATE DATABASE {database}")
        cluster.psql("province_approval", approvals.tables())
        expected = write_csv(os.path.join(folder, "drops"), rng)
        node.start()
        registry_data.register_contracts(node)
        registry_data.register_systems(node)
        mapping = os.path.join(ROOT, "deploy/samples/mappings")
        node.start_agent("state-si", sources=[{"id": "csv", "_system": "sv-social-insurance", "plugin": "file", "dataset": "insurance_participation", "batch_rows": 200,
                                               "mapping": f"{mapping}/insurance_participation.yaml", "options": {"path": os.path.join(folder, "drops"), "follow": False}}])
        node.start_agent("yn-approval", sources=[{"id": "pg", "_system": "pr-approval", "plugin": "postgresql", "dataset": "case_accept", "batch_rows": 200,
                                                  "mapping": f"{mapping}/case_accept.yaml",
                                                  "options": {"dsn": cluster.dsn("province_approval"), "table": "public.up_pro_accept", "key": ["row_guid"],
                                                              "time_column": "cd_time", "overlap_s": 60, "poll_interval_ms": 200}}])
        landings = []
        for dataset in ("insurance_participation", "case_accept"):
            registry_data.grant(node, "km-hrss", dataset, PURPOSE, {f["name"]: {"keep": True} for f in node.call(
                "system-admin", "Registry/GetDataset", id=dataset)["dataset"]["fields"] if f.get("personal")})
            landings.append({"id": f"land-{dataset}", "plugin": "postgresql", "receiver": "530100", "dataset": dataset, "purpose": PURPOSE,
                             "options": {"dsn": cluster.dsn("hrss_bureau"), "table": dataset}, "batch_rows": 200})
        node.start_agent("km-hrss", landings=landings)
        kills = []
        loader = threading.Thread(target=load_cases, args=(cluster, random.Random(SEED + 1)))
        loader.start()
        kill_loop(node, rng, time.time() + SECONDS, kills, kafka if ON_KAFKA else None)
        loader.join()
        print(f"{len(kills)} kills: huiliud {kills.count('huiliud')}, agents {kills.count('huiliu-agent')}, broker {kills.count('broker')}", flush=True)
        deadline = time.time() + 120
        while time.time() < deadline:
            try:
                if settled(node, cluster, expected):
                    break
            except (OSError, SystemExit):
                pass
            time.sleep(0.5)
        verify(node, cluster, expected)
    except BaseException:
        for name in sorted(os.listdir(folder)):
            if name.endswith(".log"):
                print(name, open(os.path.join(folder, name), errors="replace").read()[-1500:], file=sys.stderr)
        for agent in ("state-si", "yn-approval", "km-hrss"):
            path = os.path.join(folder, "agents", agent, "agent.log")
            if os.path.exists(path):
                print(agent, open(path, errors="replace").read()[-1500:], file=sys.stderr)
        raise
    finally:
        node.stop()
        cluster.stop()
        if ON_KAFKA:
            kafka.stop()
        subprocess.run(["rm", "-rf", folder])


def verify(node, cluster, expected):
    total = figures.balance(node)
    failures = []
    if total["read"] != CSV_ROWS + CASES:
        failures.append(f"read {total['read']}, the sources have {CSV_ROWS + CASES}")
    if total["read"] != sum(total[o] for o in figures.OUTCOMES):
        failures.append("the counts do not balance")
    rows = cluster.psql("hrss_bureau", "SELECT person_number || '|' || status FROM insurance_participation").splitlines()
    landed = dict(row.split("|") for row in rows)
    if len(rows) != len(landed) or landed != expected:
        missing, extra = expected.keys() - landed.keys(), landed.keys() - expected.keys()
        failures.append(f"insurance: {len(landed)} landed, {len(expected)} expected, {len(missing)} missing, {len(extra)} extra, "
                        f"{sum(1 for k in landed.keys() & expected.keys() if landed[k] != expected[k])} stale")
    want = set(cluster.psql("province_approval", "SELECT row_guid FROM up_pro_accept WHERE org_code LIKE '5301%'").splitlines())
    have = cluster.psql("hrss_bureau", "SELECT row_guid FROM case_accept").splitlines()
    if set(have) != want or len(have) != len(want):
        failures.append(f"cases: {len(have)} landed, {len(want)} expected")
    stats = {d["dataset"]: int(d.get("rows", 0)) for d in node.call("system-admin", "Catalog/Stats", receiver="530100").get("datasets", [])}
    if stats.get("insurance_participation") != len(expected) or stats.get("case_accept") != len(want):
        failures.append(f"the catalog holds {stats}")
    if failures:
        sys.exit("FAILED: " + "; ".join(failures) + f" (replay with HUILIU_SEED={SEED})")
    print(f"ok: {total['read']} source changes, {len(rows) + len(have)} rows landed exactly once, counts balance")


if __name__ == "__main__":
    main()
