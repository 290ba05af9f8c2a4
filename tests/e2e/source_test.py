#!/usr/bin/env python3
"""Sources and tables that change under Huiliu, on the real binaries: a column that is renamed or missing lets nobody out who is protected, a wrong
file stops itself alone, a re-read counts nothing twice (at the edge and where the node judges), what other rules leave undecided is kept, a move
does not tell where to, a landed table that was dropped or lost a column is filled again, times of another zone and days without an hour are seen. source_test.py BUILD"""
import base64
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy/demo"))
import approvals  # noqa: E402
import figures  # noqa: E402
import registry_data  # noqa: E402
from cluster import Cluster  # noqa: E402
from demo_purpose import PURPOSE  # noqa: E402
from node import Node, Refused  # noqa: E402
from pki import Pki  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
MAPPINGS = os.path.join(ROOT, "deploy/samples/mappings")
OUTCOMES = ("returned", "outside_area", "withheld", "quarantined", "pending")
# Tables of a database whose TimeZone is UTC, by how they write their time.
ABROAD = {"in_local": "timestamp DEFAULT now()", "in_days": "date DEFAULT current_date", "in_text": "varchar DEFAULT to_char(now(), 'YYYYMMDD')"}
HEADER = "个人编号,身份证号,姓名,参保地区划,参保地,险种,参保状态,更新时间,操作"


def check(condition, what, detail=""):
    if not condition:
        sys.exit(f"FAILED: {what}\n{detail}")
    print("ok:", what, flush=True)


def wait_for(what, condition, detail=lambda: "", seconds=120):
    deadline = time.time() + seconds
    while time.time() < deadline:
        if condition():
            return check(True, what)
        time.sleep(0.1)
    sys.exit(f"FAILED: {what}: not within {seconds} s\n{detail()}")


class City(Node):
    """A city's node that also judges one source by itself."""

    def register_source(self, source, system, dataset, organisation, key_hex, expected_every="24h"):
        placement = "PLACEMENT_NODE" if source == "hub" else "PLACEMENT_EDGE"
        self.put("system-admin", "Registry/PutSource", source={
            "id": source, "system": system, "dataset": dataset, "organisation": organisation, "placement": placement, "receivers": ["530100"],
            "batch_public_key": base64.b64encode(bytes.fromhex(key_hex)).decode(), "department": organisation,
            "department_title": self.ORGANISATIONS[organisation], "expected_every": expected_every})


class Run:
    def __init__(self, folder):
        self.folder = folder
        self.cluster = Cluster(os.path.join(folder, "postgresql"), os.path.join(folder, "postgresql.log"))
        self.node = City(BUILD, folder, Pki(os.path.join(folder, "pki")))
        self.agents = {}

    def start(self):
        self.cluster.start()
        for database in ("province_approval", "hrss_bureau"):
            self.cluster.psql("postgres", f"CREATE DATABASE {database}")
        self.cluster.psql("province_approval", approvals.tables())
        self.cluster.psql("postgres", "CREATE DATABASE county_approval")
        self.cluster.psql("postgres", "ALTER DATABASE county_approval SET TimeZone = 'UTC'")
        for table, time_column in ABROAD.items():
            self.cluster.psql("county_approval", f"CREATE TABLE {table} (row_guid varchar PRIMARY KEY, project_no varchar, applyer_name varchar, org_code varchar, "
                              f"cd_operation varchar, cd_time {time_column})")
        self.node.start()
        registry_data.register_contracts(self.node)
        registry_data.register_systems(self.node)
        for dataset in ("insurance_participation", "case_accept", "employment"):
            fields = self.node.call("system-admin", "Registry/GetDataset", id=dataset)["dataset"]["fields"]
            registry_data.grant(self.node, "km-hrss", dataset, PURPOSE, {f["name"]: {"keep": True} for f in fields if f.get("personal")})
        self.agents["state-si"] = self.node.start_agent("state-si", sources=[self.files("si"), self.files("hub")])
        self.agents["km-employment"] = self.node.start_agent("km-employment", sources=[
            {**self.files("emp", "employment", format="jsonl"), "_system": "mu-employment"}])
        self.agents["yn-approval"] = self.node.start_agent("yn-approval", sources=[{
            "id": "pg", "_system": "pr-approval", "plugin": "postgresql", "dataset": "case_accept", "mapping": f"{MAPPINGS}/case_accept.yaml",
            "options": {"dsn": self.cluster.dsn("province_approval"), "table": "public.up_pro_accept", "key": ["row_guid"], "time_column": "cd_time",
                        "overlap_s": 3600, "poll_interval_ms": 100}}] + [{
            "id": table, "_system": "pr-approval", "plugin": "postgresql", "dataset": "case_accept", "mapping": f"{MAPPINGS}/case_accept.yaml",
            "options": {"dsn": self.cluster.dsn("county_approval"), "table": table, "key": ["row_guid"], "time_column": "cd_time", "poll_interval_ms": 100,
                        "time_type": "text" if table == "in_text" else "timestamp"}} for table in ABROAD])
        self.agents["km-hrss"] = self.node.start_agent("km-hrss", landings=[
            {"id": f"land-{dataset}", "plugin": "postgresql", "receiver": "530100", "dataset": dataset, "purpose": PURPOSE,
             "options": {"dsn": self.cluster.dsn("hrss_bureau"), "table": dataset}} for dataset in ("case_accept", "employment")])

    def files(self, name, dataset="insurance_participation", **options):
        os.makedirs(os.path.join(self.folder, name))
        return {"id": name, "_system": "sv-social-insurance", "plugin": "file", "dataset": dataset, "linger_ms": 20,
                "mapping": f"{MAPPINGS}/{dataset}.yaml", "options": {"path": os.path.join(self.folder, name), "settle_ms": 200, **options}}

    def write(self, source, name, text):
        part = os.path.join(self.folder, source, "." + name)
        with open(part, "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(part, os.path.join(self.folder, source, name))

    def status(self, agent, worker):
        return figures.status(self.agents[agent], worker)

    def notices(self, worker, agent="state-si"):
        return "\n".join(self.status(agent, worker).get("notices", []))

    def counts(self, source):
        total = {"read": 0, **dict.fromkeys(OUTCOMES, 0)}
        for line in self.node.call("audit-admin", "Audit/GetBalance").get("lines", []):
            if line["source"] == source:
                for name in total:
                    total[name] += int(line.get(name, 0))
        return {name: count for name, count in total.items() if count}

    def wait_counts(self, source, **expected):
        expected = {"read": sum(expected.values()), **expected}
        wait_for(f"{source} counts {expected}", lambda: self.counts(source) == expected, lambda: self.counts(source))

    def stay(self, source, **expected):
        """What a re-read would have changed by now."""
        time.sleep(2)
        expected = {"read": sum(expected.values()), **expected}
        check(self.counts(source) == expected, f"{source} still counts {expected}", self.counts(source))

    def held(self, dataset="insurance_participation"):
        rows = self.node.call("hrss-clerk", "Catalog/Query", context={"receiver": "530100", "dataset": dataset, "purpose": PURPOSE}, page_size=1000)
        return [row["fields"] for row in rows.get("rows", [])]

    def kept(self, agent, kind, source):
        done = subprocess.run([os.path.join(BUILD, "bin/huiliu-agent"), kind, "list", "--config", os.path.join(self.agents[agent], "agent.yaml"),
                               "--source", source, "--output", "json"], capture_output=True, text=True, timeout=60)
        check(done.returncode == 0, f"huiliu-agent {kind} list", done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def kill_worker(self, agent, worker):
        """SIGKILL; the supervisor starts it again, and it reads again what its overlap holds."""
        before = self.workers(agent, worker)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        wait_for(f"worker {worker} was started again", lambda: self.workers(agent, worker) and not set(self.workers(agent, worker)) & set(before))
        wait_for("and has caught up", lambda: self.status(agent, worker)["state"] == "running" and self.status(agent, worker)["caught_up"])

    def workers(self, agent, worker):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().decode().split("\0")
            except OSError:
                continue
            if "worker" in words and worker in words and os.path.join(self.agents[agent], "agent.yaml") in words:
                found.append(int(pid))
        return found

    def stop(self):
        self.node.stop()
        self.cluster.stop()


def row(number, division="530102", place="", status="参保", operation="U", second=1):
    return f"{number},,王,{division},{place},养老,{status},2026-01-01 00:00:{second:02d},{operation}\n"


def looked_at_before(run):
    """Without a node, an account or a certificate: what the mapping needs is known before anything is registered."""
    folder = os.path.join(run.folder, "look")
    os.makedirs(folder)
    config = os.path.join(run.folder, "look.yaml")
    with open(config, "w", encoding="utf-8") as file:
        json.dump({"plugins": os.path.join(BUILD, "lib"), "sources": [
            {"id": "look", "plugin": "file", "dataset": "insurance_participation", "mapping": f"{MAPPINGS}/insurance_participation.yaml",
             "options": {"path": folder, "follow": False}}]}, file)

    def look(header):
        with open(os.path.join(folder, "a.csv"), "w", encoding="utf-8") as file:
            file.write(header + "\n" + row("P1"))
        return subprocess.run([os.path.join(BUILD, "bin/huiliu"), "source", "check", "--agent", config, "--source", "look", "--schemas", os.path.join(ROOT, "schemas")],
                              capture_output=True, text=True, timeout=60, env={**os.environ, "HOME": folder, "XDG_CONFIG_HOME": folder})
    done = look(HEADER)
    check(done.returncode == 0 and "参保状态" in done.stdout, "a source is checked without a node", done.stdout + done.stderr)
    done = look(HEADER.replace("参保状态", "参保状态2"))
    check(done.returncode != 0 and "缺少映射所需的列 参保状态" in done.stdout, "a file that lacks a column is a finding", done.stdout + done.stderr)


def renamed_columns(run):
    run.write("si", "a.csv", HEADER + "\n" + row("P1") + row("P2", status="保密"))
    run.wait_counts("si", returned=1, withheld=1)
    run.write("si", "b.csv", HEADER.replace("参保状态", "参保状态2") + "\n" + row("P10", status="保密"))
    run.write("si", "c.csv", HEADER.replace(",", ";") + "\n" + row("P11").replace(",", ";"))
    run.write("si", "d.csv", HEADER + "\n" + row("P3"))
    run.wait_counts("si", returned=2, withheld=1)
    check([fields["person_number"] for fields in run.held()] == ["P1", "P3"], "nobody got out because a column was renamed", run.held())
    notices = run.notices("si")
    check(re.search(r"b\.csv: .*参保状态 ", notices) and "c.csv" in notices, "each wrong file is named, with what it lacks", notices)
    check(run.status("state-si", "si")["state"] == "running", "the others go on")
    run.write("si", "b.csv", HEADER + "\n" + row("P10", status="保密"))
    run.wait_counts("si", returned=2, withheld=2)


def rereads_of_bad_rows(run):
    for source in ("si", "hub"):
        before = run.counts(source) if source == "si" else {"returned": 0, "withheld": 0}
        rest = {name: count for name, count in before.items() if name in OUTCOMES and count}
        text = HEADER + "\n" + row("Q1") + row("Q2", operation="怪词") + row("") + "Q3,short\n"
        run.write(source, "m.csv", text)
        after = {**rest, "returned": rest.get("returned", 0) + 1}
        run.wait_counts(source, **after, quarantined=3)
        for _ in range(2):
            os.utime(os.path.join(run.folder, source, "m.csv"))
            run.stay(source, **after, quarantined=3)
        run.kill_worker("state-si", source)
        os.utime(os.path.join(run.folder, source, "m.csv"))
        run.stay(source, **after, quarantined=3)
        run.write(source, "m.csv", text.replace("Q3,short", "Q3,short,shorter"))
        run.wait_counts(source, **after, quarantined=4)
    kept = run.kept("state-si", "quarantine", "si")
    check(sorted(one["place"] for one in kept) == ["m.csv:3", "m.csv:4", "m.csv:5:1"], "a version that another has replaced is listed no more", kept)
    text = HEADER + "\n" + row("Q1") + row("Q2", operation="U", second=2) + row("") + "Q3,short,shorter\n"
    run.write("si", "m.csv", text)
    rest = {"returned": 4, "withheld": 2}
    run.wait_counts("si", **rest, quarantined=4)
    check(len(run.kept("state-si", "quarantine", "si")) == 2, "nor one that was corrected at its source")
    run.write("si", "m.csv", text.replace("02,U", "02,怪词"))
    run.wait_counts("si", **rest, quarantined=5)
    check(len(run.kept("state-si", "quarantine", "si")) == 3, "worse again")
    run.write("si", "m.csv", text)
    wait_for("nor one that was put back to what stands", lambda: len(run.kept("state-si", "quarantine", "si")) == 2, lambda: run.kept("state-si", "quarantine", "si"))
    run.stay("si", **rest, quarantined=5)


def rows_of_a_database(run):
    def insert(number, operation="I", name="applyer_name"):
        run.cluster.psql("province_approval", f"INSERT INTO up_pro_accept (row_guid, project_no, {name}, org_code, cd_operation, cd_time) VALUES "
                         f"('r{number}', 'n{number}', '王', '530102001', '{operation}', now())")
    for number in range(3):
        insert(number)
    insert("bad", "X")
    run.wait_counts("pg", returned=3, quarantined=1)
    for _ in range(2):
        run.kill_worker("yn-approval", "pg")
        run.stay("pg", returned=3, quarantined=1)
    check(len(run.kept("yn-approval", "quarantine", "pg")) == 1, "a row that is read again is kept once")
    run.cluster.psql("province_approval", "ALTER TABLE up_pro_accept RENAME COLUMN applyer_name TO applyer_nm")
    insert("late", name="applyer_nm")
    wait_for("a source whose table lost a column stops", lambda: run.status("yn-approval", "pg")["state"] == "stopped", lambda: run.status("yn-approval", "pg"))
    error = run.status("yn-approval", "pg")["error"]
    check("applyer_name" in error and "up_pro_accept" in error and "optional: true" in error, "the error names table and column, and the way out", error)
    check(run.counts("pg")["returned"] == 3, "nothing of it went on")
    run.cluster.psql("province_approval", "ALTER TABLE up_pro_accept RENAME COLUMN applyer_nm TO applyer_name")
    run.wait_counts("pg", returned=4, quarantined=1)


def dropped_table(run):
    landed = lambda: run.cluster.psql("hrss_bureau", "SELECT count(*) FROM case_accept", check=False)  # noqa: E731
    wait_for("four rows have landed", lambda: landed() == "4", landed)
    run.cluster.psql("hrss_bureau", "DROP TABLE case_accept")
    run.cluster.psql("province_approval", "INSERT INTO up_pro_accept (row_guid, project_no, org_code, cd_operation, cd_time) VALUES ('r9', 'n9', '530102001', 'I', now())")
    wait_for("a table that was dropped is filled anew", lambda: landed() == "5", landed)
    wait_for("and that is said", lambda: "case_accept" in run.notices("land-case_accept", "km-hrss"), lambda: run.status("km-hrss", "land-case_accept"))


def lost_column(run):
    named = lambda: run.cluster.psql("hrss_bureau", "SELECT count(applyer_name) FROM case_accept", check=False)  # noqa: E731
    wait_for("four landed rows name who applied", lambda: named() == "4", named)
    run.cluster.psql("hrss_bureau", "ALTER TABLE case_accept RENAME COLUMN applyer_name TO sqr")
    run.cluster.psql("province_approval", "INSERT INTO up_pro_accept (row_guid, project_no, applyer_name, org_code, cd_operation, cd_time) VALUES "
                     "('r10', 'n10', '李', '530102001', 'I', now())")
    wait_for("a table that lost a column is filled anew", lambda: named() == "5", named)
    wait_for("and that is said", lambda: "applyer_name" in run.notices("land-case_accept", "km-hrss"), lambda: run.status("km-hrss", "land-case_accept"))


def times_of_another_zone(run):
    for table in ABROAD:
        wait_for(f"{table} was read", lambda table=table: run.status("yn-approval", table)["caught_up"], lambda table=table: run.status("yn-approval", table))
        run.cluster.psql("county_approval", f"INSERT INTO {table} VALUES ('{table}', 'n', '王', '530102001', 'I')")
    for table in ABROAD:
        run.wait_counts(table, returned=1)
    near = lambda: run.cluster.psql("hrss_bureau", "SELECT abs(extract(epoch FROM now() - _source_time)) < 3600 FROM case_accept WHERE row_guid = 'in_local'", check=False)  # noqa: E731
    wait_for("its time is not hours off", lambda: near() == "t", near)
    check("UTC" in run.notices("in_local", "yn-approval"), "a notice names the zone", run.status("yn-approval", "in_local"))
    done = subprocess.run([os.path.join(BUILD, "bin/huiliu"), "source", "check", "--agent", os.path.join(run.agents["yn-approval"], "agent.yaml"), "--source", "in_local",
                           "--schemas", os.path.join(ROOT, "schemas")], capture_output=True, text=True, timeout=60)
    check(done.returncode == 0 and "UTC" in done.stdout and "time_zone" in done.stdout, "and huiliu source check does", done.stdout + done.stderr)


def members_that_come_late(run):
    first = {"id_card": "530102199001011237", "employer_uscc": "91530100MA6K000001", "start_date": "2020-01-01", "work_division": "530102", "op": "U",
             "updated_at": "2026-01-01 00:00:00"}
    lines = [first, {**first, "employer_uscc": "91530100MA6K000002", "end_date": "2025-12-31"}]
    run.write("emp", "a.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    run.wait_counts("emp", returned=2)
    check(sorted(str(fields.get("end_date", "")) for fields in run.held("employment")) == ["", "2025-12-31"], "a member that the first object lacks", run.held("employment"))


def other_rules(run):
    run.write("si", "p.csv", HEADER + "\n" + row("C1", "530102", "曲靖市"))
    rest = {"withheld": 2, "quarantined": 5}
    run.wait_counts("si", returned=5, **rest)
    with open(os.path.join(ROOT, "schemas/datasets/population/insurance_participation.proto"), encoding="utf-8") as file:
        contract = file.read()
    contract = contract.replace("territory: {", "territory: {\n      conflicts_wait: true", 1)
    check("conflicts_wait" in contract, "a contract by which conflicts wait")
    run.node.call("system-admin", "Registry/PutDataset", source_name="insurance_participation.proto", source_text=contract)
    time.sleep(6)  # until the agents have looked
    os.utime(os.path.join(run.folder, "si", "p.csv"))
    run.wait_counts("si", returned=4, pending=1, **rest)
    pending = run.kept("state-si", "pending", "si")
    check(len(pending) == 1 and pending[0]["place"].startswith("p.csv"), "it is in the list of those who decide", pending)


def moved_away(run):
    run.write("si", "x.csv", HEADER + "\n" + row("P1", "532901", second=30))
    wait_for("who moved is gone", lambda: "P1" not in [fields["person_number"] for fields in run.held()])
    answer = run.node.call("audit-admin", "Audit/TraceRecord", receiver="530100", dataset="insurance_participation", key={"system": "sv-social-insurance", "values": ["P1", "养老"]})
    shown = json.dumps(answer, ensure_ascii=False)
    check("532901" not in shown and "x.csv" not in shown, "the log of the receiver that was left does not say where to", shown)


def ended_grant(run):
    wait_for("the landing has caught up", lambda: run.status("km-hrss", "land-employment")["caught_up"])
    for grant in run.node.call("security-admin", "Governance/ListGrants", page_size=1000)["grants"]:
        if grant["dataset"] == "employment":
            run.node.call("security-admin", "Governance/RevokeGrant", id=grant["id"], reason="测试")
    wait_for("a landing whose grant ended waits, and has not caught up",
             lambda: run.status("km-hrss", "land-employment")["state"] == "waiting" and not run.status("km-hrss", "land-employment")["caught_up"],
             lambda: run.status("km-hrss", "land-employment"))


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        run = Run(folder)
        try:
            run.start()
            for test in (looked_at_before, renamed_columns, rereads_of_bad_rows, rows_of_a_database, dropped_table, lost_column, times_of_another_zone, members_that_come_late, other_rules, moved_away, ended_grant):
                print(f"-- {test.__name__}", flush=True)
                test(run)
        finally:
            run.stop()
    print("PASSED")


main()
