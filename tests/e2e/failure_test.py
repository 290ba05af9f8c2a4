#!/usr/bin/env python3
"""What fails beside Huiliu, on the real binaries: a plugin of another ABI, a plugin that crashes, a locked table and a database that is
down. Each is named clearly, the neighbours go on, and after the recovery nothing is lost. failure_test.py BUILD."""
import json
import os
import random
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy/demo"))
import figures  # noqa: E402
import registry_data  # noqa: E402
from cluster import Cluster  # noqa: E402
from demo_purpose import PURPOSE  # noqa: E402
import approvals  # noqa: E402
from generate import citizen_id  # noqa: E402
from node import Node  # noqa: E402
from pki import Pki  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
HEADER = "个人编号,身份证号,姓名,参保地区划,参保地,单位统一社会信用代码,险种,参保状态,参保日期,操作,更新时间\n"
MAPPINGS = os.path.join(ROOT, "deploy/samples/mappings")
RNG = random.Random(1)


def check(condition, what, detail=""):
    if not condition:
        sys.exit(f"FAILED: {what}\n{detail}")
    print("ok:", what, flush=True)


def wait_for(what, condition, seconds=180):
    deadline = time.time() + seconds
    while time.time() < deadline:
        if condition():
            return check(True, what)
        time.sleep(0.1)
    sys.exit(f"FAILED: {what}: not within {seconds} s")


class City:
    """One node, a department with three sources, a province with a PostgreSQL source, a bureau with two landings."""

    def __init__(self, folder):
        self.folder = folder
        self.cluster = Cluster(os.path.join(folder, "postgresql"), os.path.join(folder, "postgresql.log"))
        self.node = Node(BUILD, folder, Pki(os.path.join(folder, "pki")))
        self.crash = os.path.join(folder, "crash")
        self.agents = {}
        self.csv_rows = self.cases = 0

    def start(self):
        os.environ["HUILIU_TEST_CRASH"] = self.crash
        self.cluster.start()
        for database in ("province_approval", "hrss_bureau"):
            self.cluster.psql("postgres", f"CREATE DATABASE {database}")
        self.cluster.psql("province_approval", approvals.tables())
        self.node.start()
        registry_data.register_contracts(self.node)
        registry_data.register_systems(self.node)
        for dataset in ("insurance_participation", "case_accept"):
            fields = self.node.call("system-admin", "Registry/GetDataset", id=dataset)["dataset"]["fields"]
            registry_data.grant(self.node, "km-hrss", dataset, PURPOSE, {f["name"]: {"keep": True} for f in fields if f.get("personal")})

    def plugins(self):
        folder = os.path.join(self.folder, "plugins")
        os.makedirs(folder)
        for name, target in (("file", "huiliu_file"), ("postgresql", "huiliu_postgresql"), ("other", "sdk_test_other_abi"), ("crashing", "e2e_test_crashing")):
            os.symlink(os.path.join(BUILD, "lib", target + ".so"), os.path.join(folder, f"huiliu_{name}.so"))
        return folder

    def source(self, name, plugin):
        drops = os.path.join(self.folder, name)
        os.makedirs(drops, exist_ok=True)
        return {"id": name, "_system": "sv-social-insurance", "plugin": plugin, "dataset": "insurance_participation", "batch_rows": 50,
                "mapping": f"{MAPPINGS}/insurance_participation.yaml", "options": {"path": drops}}

    def start_agents(self):
        plugins = self.plugins()
        self.agents["state-si"] = self.node.start_agent("state-si", plugins=plugins, sources=[
            self.source("csv", "file"), self.source("crashing", "crashing"), self.source("other", "other")])
        self.agents["yn-approval"] = self.node.start_agent("yn-approval", plugins=plugins, sources=[{
            "id": "pg", "_system": "pr-approval", "plugin": "postgresql", "dataset": "case_accept", "mapping": f"{MAPPINGS}/case_accept.yaml",
            "options": {"dsn": self.cluster.dsn("province_approval"), "table": "public.up_pro_accept", "key": ["row_guid"], "time_column": "cd_time",
                        "overlap_s": 60, "poll_interval_ms": 200}}])
        self.agents["km-hrss"] = self.node.start_agent("km-hrss", plugins=plugins, landings=[
            {"id": f"land-{dataset}", "plugin": "postgresql", "receiver": "530100", "dataset": dataset, "purpose": PURPOSE,
             "options": {"dsn": self.cluster.dsn("hrss_bureau"), "table": dataset, "lock_timeout_ms": 500}} for dataset in ("insurance_participation", "case_accept")])

    def drop(self, source, rows):
        """A new file of rows of Kunming; it appears whole."""
        path = os.path.join(self.folder, source, f"{self.csv_rows:06d}.csv")
        part = os.path.join(self.folder, f"{source}.part")  # not where the source looks
        with open(part, "w", encoding="utf-8") as file:
            file.write(HEADER)
            for i in range(self.csv_rows, self.csv_rows + rows):
                file.write(f"P{i:06d},{citizen_id(RNG, '530102')},王,530102,,,养老,参保,2020-01-01,U,2026-01-01 00:00:00\n")
        os.rename(part, path)
        self.csv_rows += rows

    def insert_cases(self, rows):
        values = ",".join(f"('r{i:06d}','n{i:06d}','530102001','I',now())" for i in range(self.cases, self.cases + rows))
        self.cluster.psql("province_approval", f"INSERT INTO up_pro_accept (row_guid, project_no, org_code, cd_operation, cd_time) VALUES {values}")
        self.cases += rows

    def status(self, agent, worker):
        return figures.status(self.agents[agent], worker)

    def landing(self, *arguments, expect=0):
        """huiliu-agent landing …, a JSON object a line."""
        done = subprocess.run([os.path.join(BUILD, "bin/huiliu-agent"), "landing", *arguments, "--config", os.path.join(self.agents["km-hrss"], "agent.yaml"),
                               "--output", "json"], capture_output=True, text=True, timeout=300)
        check(done.returncode == expect, f"huiliu-agent landing {arguments[0]} ends with {expect}", done.stdout + done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def landed(self, table):
        return int(self.cluster.psql("hrss_bureau", f"SELECT count(*) FROM {table}", check=False) or 0)

    def all_landed(self):
        return self.landed("insurance_participation") == self.csv_rows and self.landed("case_accept") == self.cases

    def log(self, agent):
        return open(os.path.join(self.agents[agent], "agent.log"), encoding="utf-8", errors="replace").read()

    def stop(self):
        self.node.stop()
        self.cluster.stop()


def other_abi(city):
    wait_for("a plugin of another ABI stops its own worker", lambda: city.status("state-si", "other")["state"] == "stopped")
    error = city.status("state-si", "other")["error"]
    check("huiliu_other.so" in error and "ABI 7" in error and "speaks 1" in error, "the message names the plugin and both versions", error)


def crashing_plugin(city):
    wait_for("a plugin that crashes is started again, and again", lambda: city.log("state-si").count("worker=crashing ended: signal 6") >= 3)
    log = city.log("state-si")
    check(all(f"started again in {pause}" in log for pause in ("500ms", "1s", "2s")), "with growing pauses", log[-2000:])
    status = city.status("state-si", "crashing")
    check(status["state"] in ("crashed", "starting", "running"), "its state is told", status)
    wait_for("the state says by which signal", lambda: "signal 6" in city.status("state-si", "crashing")["error"])
    city.drop("csv", 200)
    wait_for("the neighbour goes on meanwhile", lambda: city.status("state-si", "csv")["caught_up"] and city.landed("insurance_participation") >= 500)
    check(os.path.exists(city.crash) and not city.all_landed(), "the crashing source has not ended yet")
    os.remove(city.crash)
    wait_for("once it no longer crashes all its rows land", city.all_landed)


def locked_table(city):
    holder = subprocess.Popen(["psql", "-X", "-q", city.cluster.dsn("hrss_bureau")], stdin=subprocess.PIPE, text=True)
    holder.stdin.write("BEGIN; LOCK TABLE insurance_participation IN ACCESS EXCLUSIVE MODE;\n")
    holder.stdin.flush()
    time.sleep(0.5)
    city.drop("csv", 100)
    city.insert_cases(50)
    wait_for("a locked table holds its landing up", lambda: city.status("km-hrss", "land-insurance_participation")["state"] == "waiting")
    error = city.status("km-hrss", "land-insurance_participation")["error"]
    check("127.0.0.1/hrss_bureau" in error and "public.insurance_participation" in error and "lock" in error, "the message names database, table and lock", error)
    wait_for("the other landing goes on", lambda: city.landed("case_accept") == city.cases)
    holder.stdin.write("ROLLBACK;\n\\q\n")
    holder.stdin.close()
    holder.wait(timeout=10)
    wait_for("after the lock everything lands", city.all_landed)
    wait_for("and its state is running", lambda: city.status("km-hrss", "land-insurance_participation")["state"] == "running")


def refused_row(city):
    """One row that a constraint of the bureau's table refuses holds nobody up; it is kept, shown, and landed after the table was mended."""
    worker, bad = "land-insurance_participation", f"P{city.csv_rows + 3:06d}"
    city.cluster.psql("hrss_bureau", f"ALTER TABLE insurance_participation ADD CONSTRAINT not_this_one CHECK (person_number <> '{bad}')")
    city.drop("csv", 60)
    wait_for("all other rows land", lambda: city.landed("insurance_participation") == city.csv_rows - 1, 120)
    wait_for("the status says that one is kept, and goes on", lambda: city.status("km-hrss", worker)["kept"] == 1, 120)
    check(city.status("km-hrss", worker)["state"] == "running", "the landing runs")
    city.drop("csv", 40)
    wait_for("later rows land, too", lambda: city.landed("insurance_participation") == city.csv_rows - 1, 120)
    kept = city.landing("list")
    check(len(kept) == 1 and kept[0]["reason"] == "23514" and kept[0]["place"] == "constraint not_this_one"
          and kept[0]["dataset"] == "insurance_participation" and kept[0]["landing"] == worker, "it is listed with SQLSTATE and constraint", kept)
    log = city.log("km-hrss")
    check("[23514]" in log and "not_this_one" in log and bad not in log, "the log names the constraint and no value", log[-2000:])
    shown = city.landing("show", kept[0]["id"], "--landing", worker)
    check(shown[0]["cells"]["person_number"] == bad, "it is shown to the bureau", shown)
    table = subprocess.run([os.path.join(BUILD, "bin/huiliu-agent"), "landing", "show", kept[0]["id"], "--landing", worker, "--config",
                            os.path.join(city.agents["km-hrss"], "agent.yaml")], capture_output=True, text=True, timeout=300)
    check(table.returncode == 0 and bad in table.stdout and "not_this_one" in table.stdout, "and as a table", table.stdout + table.stderr)
    again = city.landing("redrive", "--all", "--landing", worker, expect=3)
    check(not again[0]["landed"] and "not_this_one" in again[0]["error"], "tried again in vain it stays, with the reason", again)
    city.cluster.psql("hrss_bureau", "ALTER TABLE insurance_participation DROP CONSTRAINT not_this_one")
    done = city.landing("redrive", kept[0]["id"], "--landing", worker)
    check(done[0]["landed"], "after the table was mended it lands, while the worker runs", done)
    check(city.all_landed() and city.landing("list") == [], "every row has landed once, nothing is kept")
    wait_for("the status says so", lambda: city.status("km-hrss", worker)["kept"] == 0, 120)


def corrected_row(city):
    """A row that the bureau's table refuses lands corrected, by the verb alone."""
    worker, bad = "land-insurance_participation", f"P{city.csv_rows:06d}"
    city.cluster.psql("hrss_bureau", f"ALTER TABLE insurance_participation ADD CONSTRAINT surname_given CHECK (person_number <> '{bad}' OR name = '更正')")
    city.drop("csv", 2)
    wait_for("the other row lands", lambda: city.landed("insurance_participation") == city.csv_rows - 1, 120)
    wait_for("the row is kept", lambda: city.status("km-hrss", worker)["kept"] == 1, 120)
    row = city.landing("list")[0]["id"]
    key = city.landing("redrive", row, "--set", "person_number=P1", "--landing", worker, expect=3)
    check("主键" in key[0]["error"], "a key is not corrected", key)
    check(city.landing("redrive", row, "--set", "name=更正", "--landing", worker)[0]["landed"], "corrected it lands")
    check(city.all_landed() and city.landing("list") == [], "every row has landed once")
    city.cluster.psql("hrss_bureau", "ALTER TABLE insurance_participation DROP CONSTRAINT surname_given")


def row_without_time(city):
    """A row whose time column is empty is read when it comes, long after the snapshot."""
    city.cluster.psql("province_approval", "INSERT INTO up_pro_accept (row_guid, project_no, org_code, cd_operation, cd_time) "
                      f"VALUES ('r{city.cases:06d}','n{city.cases:06d}','530102001','I',NULL)")
    city.cases += 1
    wait_for("a row without a time lands", lambda: city.landed("case_accept") == city.cases)


def database_down(city):
    city.insert_cases(100)
    cluster = city.cluster
    subprocess.run([*cluster.as_user, os.path.join(cluster.bin, "pg_ctl"), "-D", cluster.folder, "stop", "-m", "immediate", "-w"],
                   stdout=subprocess.DEVNULL, check=True, cwd="/")
    cluster.process.wait(timeout=20)
    city.drop("csv", 300)
    # The landing of cases has nothing to land now: it finds out with the next row.
    for agent, worker, place in (("km-hrss", "land-insurance_participation", "127.0.0.1/hrss_bureau"), ("yn-approval", "pg", "127.0.0.1/province_approval")):
        wait_for(f"{worker} waits and names {place}",
                 lambda: city.status(agent, worker)["state"] == "waiting" and place in city.status(agent, worker)["error"])
    wait_for("the file source goes on into the node", lambda: figures.balance(city.node)["by_system"]["sv-social-insurance"]["read"] == city.csv_rows)
    cluster.start()
    city.insert_cases(50)
    wait_for("after the database is back everything lands", city.all_landed)


def verify(city):
    total = figures.balance(city.node)
    check(total["read"] == city.csv_rows + city.cases == total["returned"], "each row counts once, all are returned", total)
    stats = {d["dataset"]: int(d.get("rows", 0)) for d in city.node.call("system-admin", "Catalog/Stats", receiver="530100").get("datasets", [])}
    check((stats["insurance_participation"], stats["case_accept"]) == (city.csv_rows, city.cases), "the catalog holds each row once", stats)
    check(len(set(city.cluster.psql("hrss_bureau", "SELECT person_number FROM insurance_participation").split())) == city.csv_rows, "the bureau's rows are all different")
    envelope = city.cluster.psql("hrss_bureau", "SELECT DISTINCT _city, _division, _department_name <> '', _system, _source_table <> '', _row_id LIKE '%.csv:%', "
                                 "_operation, length(_key_hash), _cleaned_time <= _arrival_time, _conflict, _source_time IS NOT NULL, _rule <> '' FROM insurance_participation")
    check(envelope.split() == ["530100|530102|t|sv-social-insurance|t|t|U|64|t|f|t|t"], "every landed row carries its envelope", envelope)
    error = city.status("state-si", "other")["error"]
    check("ABI 7" in error and "worker=other ended: exit code 1" in city.log("state-si"), "the other ABI still stands as what is to be mended", error)


def main():
    folder = tempfile.mkdtemp(prefix="huiliu-failures-")
    os.chmod(folder, 0o755)
    city = City(folder)
    try:
        city.start()
        open(city.crash, "w", encoding="utf-8").close()
        for source in ("csv", "crashing"):
            os.makedirs(os.path.join(folder, source))
        city.drop("csv", 300)
        city.drop("crashing", 2000)
        city.insert_cases(200)
        city.start_agents()
        for part in (other_abi, crashing_plugin, locked_table, refused_row, corrected_row, row_without_time, database_down, verify):
            print(f"--- {part.__name__}", flush=True)
            part(city)
    except BaseException:
        for agent in city.agents:
            print(agent, city.log(agent)[-3000:], file=sys.stderr)
        print(open(city.node.log, errors="replace").read()[-2000:], file=sys.stderr)
        raise
    finally:
        city.stop()
        subprocess.run(["rm", "-rf", folder], check=True)


if __name__ == "__main__":
    main()
