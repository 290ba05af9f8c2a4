#!/usr/bin/env python3
"""Territory overrides (认领决定) on the real binaries, at the edge and at the node: pending rows are listed with reasons, one officer
proposes, another approves, the rows return within their day, whatever is killed meanwhile; a withdrawal takes them back; a department that
pinned its rules accepts first. override_test.py BUILD; HUILIU_SEED replays a run."""
import base64
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy/demo"))
import registry_data  # noqa: E402
from demo_purpose import PURPOSE  # noqa: E402
from node import Node  # noqa: E402
from pki import Pki  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
SEED = int(os.environ.get("HUILIU_SEED", time.time_ns() % 10**9))
DATASET = "insurance_participation"
COLUMNS = "个人编号,身份证号,姓名,参保地区划,参保地,单位统一社会信用代码,险种,参保状态,参保日期,操作,更新时间".split(",")
OUTCOMES = ("returned", "outside_area", "withheld", "quarantined", "pending")
ROWS = 3000  # that one override decides: several batches or transactions
DALI = "532900"


def line(number, division, place=""):
    return f"{number},530102199001011234,张三,{division},{place},,养老,参保,2020-01-01,U,2026-01-01 00:00:01\n"


def check(condition, what, shown=""):
    if not condition:
        sys.exit(f"FAILED: {what} (replay with HUILIU_SEED={SEED})\n{shown}")
    print("ok:", what, flush=True)


class TestNode(Node):
    """May be killed and comes back on the same ports. One source is decided at the node for two receivers."""
    ORGANISATIONS = {**Node.ORGANISATIONS, "yn-data": "云南省数据局（模拟）", "dali-data": "大理州数据局（模拟）"}
    ACCOUNTS = {**Node.ACCOUNTS, "si-officer": ("state-si", ["data_officer"]), "dali-officer": ("dali-data", ["data_officer"]),
                "yn-system": ("yn-data", ["system_administrator"]), "yn-officer": ("yn-data", ["data_officer"]), "yn-approver": ("yn-data", ["data_officer"])}

    def crash(self):
        self.process.kill()
        self.process.wait()
        self.run_node()

    def put_source(self, source, placement, receivers, key):
        self.put("yn-system", "Registry/PutSource", source={
            "id": source, "system": "sv-social-insurance", "dataset": DATASET, "organisation": "state-si", "placement": placement, "receivers": receivers,
            "batch_public_key": base64.b64encode(bytes.fromhex(key)).decode(), "department": "state-si", "department_title": "社保（模拟）",
            "expected_every": "24h"})

    def counts(self, source, receiver="530100"):
        total = dict.fromkeys(OUTCOMES, 0)
        days = set()
        for one in self.call("audit-admin" if receiver == "530100" else "yn-officer", "Audit/GetBalance", receiver=receiver).get("lines", []):
            if one["source"] != source:
                continue
            days.add(one["day"])
            for outcome in OUTCOMES:
                total[outcome] += int(one.get(outcome, 0))
        check(len(days) <= 1, "counts stand in one day") if len(days) > 1 else None
        return {outcome: rows for outcome, rows in total.items() if rows}

    def wait(self, source, expected, receiver="530100", meanwhile=lambda found: 0.1, tries=600):
        found = None
        for _ in range(tries):
            try:
                found = self.counts(source, receiver)
            except OSError:  # it is starting again
                pass
            if found == expected:
                print("ok:", source, receiver, expected, flush=True)
                return
            time.sleep(meanwhile(found))
        check(False, f"{source} for {receiver}: {expected}", found)

    def held(self):
        rows, token = {}, ""
        while True:
            page = self.call("hrss-clerk", "Catalog/Query", context={"receiver": "530100", "dataset": DATASET, "purpose": PURPOSE}, page_size=1000, page_token=token)
            for row in page.get("rows", []):
                rows[row["fields"]["person_number"]] = row
            token = page.get("next_page_token", "")
            if not token:
                return rows

    def wait_held(self, predicate, count, what):
        rows = {}
        for _ in range(200):
            rows = {number: row for number, row in self.held().items() if predicate(number)}
            if len(rows) == count:
                break
            time.sleep(0.1)
        check(len(rows) == count, what, len(rows))
        return rows


class Cli:
    def __init__(self, node):
        self.node = node

    def run(self, account, *arguments, expect=0):
        done = subprocess.run([os.path.join(BUILD, "bin/huiliu"), "--config", self.node.profile(account), *arguments], capture_output=True, text=True, timeout=60)
        if done.returncode != expect:
            sys.exit(f"FAILED: huiliu {' '.join(arguments)} ended with {done.returncode}, not {expect}:\n{done.stdout}\n{done.stderr}")
        return done.stdout if expect == 0 else done.stderr

    def json(self, account, *arguments):
        return [json.loads(one) for one in self.run(account, *arguments, "--output", "json").splitlines()]

    def propose(self, account, *arguments):
        return self.json(account, "override", "propose", "--dataset", DATASET, "--reason", "参保单位来函", *arguments)[0]["id"]


class Department:
    def __init__(self, folder, node):
        self.node, self.process = node, None
        self.log = os.path.join(folder, "agent.log")
        self.drops = {source: os.path.join(folder, "drops", source) for source in ("edge", "hub")}
        for path in self.drops.values():
            os.makedirs(path)
        certificate, key = node.pki.organisation("state-si")
        self.config = os.path.join(folder, "agent.yaml")
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump({"agent": "a", "node": {"address": node.address(), "ca": node.pki.ca(), "certificate": certificate, "key": key, "server_name": "localhost"},
                       "state_dir": os.path.join(folder, "agent"), "plugins": os.path.join(BUILD, "lib"), "divisions": os.path.join(ROOT, "schemas/divisions"),
                       "sources": [{"id": source, "plugin": "file", "dataset": DATASET, "linger_ms": 50,
                                    "mapping": os.path.join(ROOT, "deploy/samples/mappings/insurance_participation.yaml"),
                                    "options": {"path": path, "pattern": "*.csv", "header": COLUMNS}} for source, path in self.drops.items()]}, file, ensure_ascii=False)
        for source, placement, receivers in (("edge", "PLACEMENT_EDGE", ["530100"]), ("hub", "PLACEMENT_NODE", ["530100", DALI])):
            node.put_source(source, placement, receivers, self.verb("key", "--source", source).strip())

    def start(self):
        self.process = subprocess.Popen([os.path.join(BUILD, "bin/huiliu-agent"), "run", "--config", self.config], stdout=open(self.log, "a"),
                                        stderr=subprocess.STDOUT, start_new_session=True)

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def crash(self):
        self.kill()
        self.start()

    def drop(self, source, name, lines):
        with open(os.path.join(self.drops[source], name), "w", encoding="utf-8") as file:
            file.write(",".join(COLUMNS) + "\n" + "".join(lines))

    def verb(self, *arguments, expect=0):
        done = subprocess.run([os.path.join(BUILD, "bin/huiliu-agent"), *arguments, "--config", self.config], capture_output=True, text=True, timeout=100)
        if done.returncode != expect:
            sys.exit(f"FAILED: huiliu-agent {' '.join(arguments)} ended with {done.returncode}, not {expect}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def json(self, *arguments):
        return [json.loads(one) for one in self.verb(*arguments, "--output", "json").splitlines()]


def set_up(node):
    registry_data.register_contracts(node)
    registry_data.register_systems(node)
    node.put("yn-system", "Registry/PutReceiver", receiver={"id": DALI, "title": "大理白族自治州", "divisions": [DALI]})
    with open(os.path.join(ROOT, "schemas/rules/insurance_participation.530100.yaml"), encoding="utf-8") as file:
        rules = file.read().replace("530100", DALI)
    proposed = node.call("yn-officer", "Rules/ProposeRuleSet", source_name="si.dali.yaml", yaml=rules)["rule_set"]
    node.put("yn-approver", "Rules/DecideRuleSet", dataset=DATASET, receiver=DALI, version=proposed["version"], approve=True,
             untried_reason="首次启用")
    registry_data.grant(node, "km-hrss", DATASET, PURPOSE)
    dali = next(o for o in node.call("yn-system", "Registry/ListOrganisations", page_size=1000)["organisations"] if o["id"] == "dali-data")
    node.put("yn-system", "Registry/PutOrganisation", seen_version=dali["version"], organisation={"id": "dali-data", "title": dali["title"], "receiver": DALI})


def two_people(cli, node, department):
    """Edge: listed with reasons, proposed, approved by another, decided again while agent and node are killed."""
    department.drop("edge", "a.csv", [line("P1", "530102"), line("P2", "532901"), line("P3", "")] + [line(f"E{i}", "", "金碧新城") for i in range(ROWS)])
    department.start()
    node.wait("edge", {"returned": 1, "outside_area": 1, "pending": ROWS + 1})
    shown = department.verb("pending", "list", "--source", "edge")
    check("没有任何归属依据" in shown and f"共 {ROWS + 1} 行" in shown and "territory.no_evidence" in shown, "the department lists pending rows with reasons, counted", shown[-600:])
    for arguments, why in ((["--name", "name=张三"], "--record-key"), (["--name", "insured_place=530102199001011234"], "身份证号"),
                           (["--pattern", "insured_place=.*"], "更具体"), (["--condition", "insured_plac == 'x'"], "1:1"), (["--name", "没有=x"], "没有此字段")):
        refused = cli.run("data-officer", "override", "propose", "--dataset", DATASET, "--reason", "x", "--division", "530102", *arguments, expect=2)
        check(why in refused and "19900101" not in refused, f"refused: {arguments[1][:20]}", refused)
    by_name = cli.propose("data-officer", "--name", "insured_place=金碧新城", "--division", "530102")
    check(cli.propose("data-approver", "--name", "insured_place=金碧新城", "--division", "530102") == by_name, "the same is proposed once")
    refused = cli.run("data-officer", "override", "approve", by_name, expect=4)
    check("提交人" in refused, "who proposed it does not approve it", refused)
    check(cli.run("dali-officer", "override", "show", by_name, expect=3), "another city's officers do not see it")
    time.sleep(6)
    check(node.counts("edge") == {"returned": 1, "outside_area": 1, "pending": ROWS + 1}, "one person alone decides nothing")
    cli.run("data-approver", "override", "approve", by_name)
    kills = []

    def killer(found):
        """The agent, then the node, then the agent, each as soon as some of the rows are through."""
        if found is not None and 1 < found.get("returned", 0) <= ROWS and len(kills) < 3 and found not in kills:
            kills.append(found)
            node.crash() if len(kills) == 2 else department.crash()
        return 0.002
    node.wait("edge", {"returned": ROWS + 1, "outside_area": 1, "pending": 1}, meanwhile=killer, tries=20000)
    print("killed at", kills, flush=True)
    rows = node.wait_held(lambda n: n.startswith("E"), ROWS, "each row returned once, within its day")
    check(all(row["division"] == "530102" for row in rows.values()), "to the county that was decided")
    told = cli.run("audit-admin", "audit", "record", DATASET, "E7", "养老")
    check(f"override:{by_name}" in told and f"按认领决定（或其撤回）判定：{by_name}" in told, "the audit names the override", told)
    hops = node.call("audit-admin", "Audit/TraceRecord", receiver="530100", dataset=DATASET, key={"values": ["E7", "养老"]})
    redrive = [hop["entry"] for hop in hops["hops"] if hop["entry"]["step"] == "STEP_REDRIVE"]
    check(len(redrive) == 1 and redrive[0].get("detail") == f"override:{by_name}" and hops["envelope"]["decided_by"] == f"override:{by_name}",
          "its way in lineage: decided again, by which override", hops["hops"])
    return by_name


def pinned(cli, node, department):
    """A department that pinned its rules runs the overrides that it accepted."""
    digest = re.search(r"[0-9a-f]{64}", department.verb("rules", "--source", "edge")).group()
    department.verb("pin", "--source", "edge", "--digest", digest)
    by_record = cli.propose("data-officer", "--record-key", "P3", "--record-key", "养老", "--system", "sv-social-insurance", "--division", "530103")
    listed = cli.json("data-approver", "override", "list", "--state", "proposed")[0]["territory_overrides"]
    check([one["id"] for one in listed] == [by_record] and len(listed[0]["record"]) == 64 and "P3" not in json.dumps(listed), "a record is named by its digest alone", listed)
    cli.run("data-approver", "override", "approve", by_record)
    time.sleep(7)
    check(node.counts("edge").get("pending") == 1, "pinned: what came later does not run here")
    listed = {one["id"]: one["runs"] for one in department.json("overrides", "--source", "edge")}
    check(list(listed.values()).count(True) == 1 and not listed[by_record], "the department sees which run", listed)
    department.verb("overrides", by_record, "--accept", "--source", "edge")
    node.wait("edge", {"returned": ROWS + 2, "outside_area": 1})
    row = node.wait_held(lambda n: n == "P3", 1, "accepted, it runs")["P3"]
    check(row["division"] == "530103", "by its record")
    department.verb("pin", "--source", "edge")


def at_the_node(cli, node, department):
    """Node: a claim speaks for both receivers; the node is killed while rows are decided again."""
    department.drop("hub", "a.csv", [line("H1", "530102"), line("H2", "")] + [line(f"N{i}", "", "洱海新城") for i in range(ROWS)])
    waiting = {"returned": 1, "pending": ROWS + 1}
    # The override of the edge's source is of the same dataset and receiver.
    node.wait("hub", waiting)
    node.wait("hub", {"outside_area": 1, "pending": ROWS + 1}, DALI)
    listed = cli.run("si-officer", "pending", "list", "--source", "hub", "--counts")
    check("没有任何归属依据" in listed and str(ROWS + 1) in listed, "the node's pending rows, counted by reason", listed)
    first = cli.json("si-officer", "pending", "list", "--source", "hub", "--reason", "territory.no_evidence")[0]["rows"][0]
    shown = cli.run("si-officer", "pending", "show", first["id"], "--source", "hub")
    check(re.search(r"[0-9a-f]{64}", shown), "one is shown with the digest that names it", shown)
    by_pattern = cli.propose("yn-officer", "--receiver", DALI, "--pattern", "insured_place=^洱海", "--division", "532901")
    cli.run("yn-approver", "override", "approve", by_pattern)
    for _ in range(3):
        time.sleep(random.Random(SEED + 1).uniform(0.05, 0.4))
        node.crash()
    node.wait("hub", {"outside_area": 1, "returned": ROWS, "pending": 1}, DALI)
    node.wait("hub", {"returned": 1, "outside_area": ROWS, "pending": 1})
    check(not [n for n in node.held() if n.startswith("N")], "no row of Dali's came to Kunming")
    cli.run("yn-officer", "override", "withdraw", by_pattern, "--reason", "来函有误")
    node.wait("hub", {"outside_area": 1, "pending": ROWS + 1}, DALI)
    node.wait("hub", waiting)
    check(cli.json("si-officer", "pending", "list", "--source", "hub")[0]["rows"][0]["reason"] == "territory.no_evidence", "withdrawn, they wait again")


def withdrawn(cli, node, by_name):
    cli.run("data-officer", "override", "withdraw", by_name, "--reason", "来函有误")
    node.wait("edge", {"returned": 2, "outside_area": 1, "pending": ROWS})
    node.wait_held(lambda n: n.startswith("E"), 0, "withdrawn: the city loses what it held by it")
    life = cli.run("data-officer", "override", "show", by_name)
    check("已撤回" in life and "data-approver" in life and "来函有误" in life, "its life is kept", life)


def main():
    print("seed", SEED, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        node = TestNode(BUILD, folder, Pki(os.path.join(folder, "pki")))
        department = None
        try:
            node.start()
            set_up(node)
            department = Department(folder, node)
            cli = Cli(node)
            by_name = two_people(cli, node, department)
            pinned(cli, node, department)
            at_the_node(cli, node, department)
            withdrawn(cli, node, by_name)
        except BaseException:
            for path in (node.log, os.path.join(folder, "agent.log")):
                if os.path.exists(path):
                    print(os.path.basename(path), open(path, errors="replace").read()[-2000:], file=sys.stderr)
            raise
        finally:
            if department:
                department.kill()
            node.stop()
    print("overrides: passed")


main()
