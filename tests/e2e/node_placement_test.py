#!/usr/bin/env python3
"""A source that the node decides itself (placement NODE), on the real binaries: JSON lines for two receivers, the node and its agent
killed with -9 while rows move from one receiver to the other; then every row, every count, the kept rows and their repair.
node_placement_test.py BUILD; HUILIU_SEED replays a run."""
import base64
import collections
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy/demo"))
from demo_purpose import PURPOSE  # noqa: E402
from generate import citizen_id  # noqa: E402
from node import Node, Refused  # noqa: E402
from pki import Pki  # noqa: E402
from registry_data import put_in_force  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
SEED = int(os.environ.get("HUILIU_SEED", time.time_ns() % 10**9))
RECEIVERS = {"530100": ["530102", "530103"], "532900": ["532901"]}
FILES, ROWS_A_FILE, KEYS, KILLS = 30, 150, 900, 8
OUTCOMES = ("returned", "outside_area", "withheld", "quarantined", "pending")
DATASET = "insurance_participation"
BAD = '{"个人编号":"P000000", 不是 JSON'


class HubNode(Node):
    """A hub: two receivers, and the source is decided at the node. Processes may be killed and come back on the same ports."""

    # The hub's own people belong to no receiver: those of a receiver settle its affairs alone.
    ORGANISATIONS = {**Node.ORGANISATIONS, "yn-data": "云南省数据局（模拟）"}
    ACCOUNTS = {**{account: ("yn-data" if organisation in ("km-data", "km-audit") else organisation, roles)
                   for account, (organisation, roles) in Node.ACCOUNTS.items()},
                "si-officer": ("state-si", ["data_officer"])}

    def spawn(self, command, log):
        self.commands = getattr(self, "commands", [])
        self.commands.append((command, log))
        return super().spawn(command, log)

    def kill(self, index):
        process = self.processes[index]
        victims = [process.pid] + [int(p) for p in subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()]
        for victim in victims:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.wait()
        command, log = self.commands[index]
        self.processes[index] = subprocess.Popen(command, stdout=open(log, "a"), stderr=subprocess.STDOUT, start_new_session=True)

    def register_source(self, source, system, dataset, organisation, key_hex, expected_every="24h"):
        self.put("system-admin", "Registry/PutSource", source={
            "id": source, "system": system, "dataset": dataset, "organisation": organisation, "placement": "PLACEMENT_NODE",
            "receivers": list(RECEIVERS), "batch_public_key": base64.b64encode(bytes.fromhex(key_hex)).decode(), "department": organisation,
            "department_title": self.ORGANISATIONS[organisation], "expected_every": expected_every})

    def ask(self, account, method, **request):
        """A call that waits for a node that is coming back."""
        deadline = time.time() + 60
        while True:
            try:
                return self.call(account, method, **request)
            except OSError:
                if time.time() > deadline:
                    raise
                time.sleep(0.2)


class Expected:
    """What the rows that were written must have become."""

    def __init__(self):
        self.held = {r: {} for r in RECEIVERS}
        self.counts = {r: dict.fromkeys(OUTCOMES, 0) for r in RECEIVERS}
        self.last = {}
        self.bad = self.undecided = 0
        self.times = collections.Counter()  # rows of each number

    def row(self, number, division, status):
        if not division:  # holders keep the version they have
            return self.count(number, dict.fromkeys(RECEIVERS, "pending"))
        for receiver, divisions in RECEIVERS.items():
            if division in divisions:
                self.held[receiver][number] = (division, status)
            else:
                self.held[receiver].pop(number, None)
        return self.count(number, {r: "returned" if division in d else "outside_area" for r, d in RECEIVERS.items()})

    def delete(self, number):
        """It counts as the version that it ends; for who holds that, as returned."""
        outcomes = dict(self.last.get(number, dict.fromkeys(RECEIVERS, "pending")))
        for receiver in RECEIVERS:
            if self.held[receiver].pop(number, None) is not None:
                outcomes[receiver] = "returned"
        self.count(number, outcomes)

    def count(self, number, outcomes):
        self.last[number] = outcomes
        self.times[number] += 1
        self.undecided += "pending" in outcomes.values()
        for receiver, outcome in outcomes.items():
            self.counts[receiver][outcome] += 1

    def bad_row(self):
        self.bad += 1
        for counts in self.counts.values():
            counts["quarantined"] += 1


def write_files(folder, rng, expected, stop):
    at = 0
    for f in range(FILES):
        lines = []
        for _ in range(ROWS_A_FILE):
            at += 1
            if rng.random() < 0.01:
                expected.bad_row()
                lines.append(BAD)
                continue
            number = f"P{rng.randrange(KEYS):06d}"
            division = rng.choice(["530102", "530103", "532901", "532901", "530302", ""])
            status = rng.choice(["参保", "停保"])
            record = {"个人编号": number, "险种": "养老", "操作": "D", "更新时间": f"2026-01-01 {at // 3600:02d}:{at // 60 % 60:02d}:{at % 60:02d}"}
            if rng.random() < 0.05:
                expected.delete(number)
            else:
                expected.row(number, division, status)
                record.update({"操作": "U", "身份证号": citizen_id(rng, division) if division else "", "姓名": "王", "参保地区划": division, "参保状态": status})
            lines.append(json.dumps(record, ensure_ascii=False))
        path = os.path.join(folder, f".{f:03d}")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        os.rename(path, os.path.join(folder, f"{f:03d}.jsonl"))
        stop.wait(0.15)


def set_up(node):
    with open(os.path.join(ROOT, "schemas/datasets/population/insurance_participation.proto"), encoding="utf-8") as file:
        node.put("system-admin", "Registry/PutDataset", source_name="insurance_participation.proto", source_text=file.read())
    node.put("system-admin", "Registry/PutReceiver", receiver={"id": "532900", "title": "大理白族自治州", "divisions": ["532900"]})
    with open(os.path.join(ROOT, "schemas/rules/insurance_participation.530100.yaml"), encoding="utf-8") as file:
        rules = file.read()
    for receiver in RECEIVERS:
        put_in_force(node, f"si.{receiver}.yaml", rules.replace("530100", receiver))
        node.put("security-admin", "Governance/PutGrant", grant={
            "id": f"hub-{receiver}", "organisation": "km-hrss", "receiver": receiver, "dataset": DATASET, "purpose": PURPOSE,
            "legal_basis": "政务数据共享条例", "valid_to": "2099-01-01T00:00:00Z", "masks": {}})
    node.put("system-admin", "Registry/PutSystem", system={"id": "sv-social-insurance", "title": "社会保险", "tier": "TIER_STATE_VERTICAL",
                                                           "owner": "人力资源社会保障部", "datasets": [DATASET], "status": "SYSTEM_STATUS_CONFIRMED"})


def held(node, receiver):
    rows, token = {}, ""
    while True:
        page = node.ask("hrss-clerk", "Catalog/Query", context={"receiver": receiver, "dataset": DATASET, "purpose": PURPOSE}, page_size=1000, page_token=token)
        for row in page.get("rows", []):
            fields = row["fields"]
            rows[fields["person_number"]] = (fields["insured_division"], fields["status"])
        token = page.get("next_page_token", "")
        if not token:
            return rows


def counts(node, receiver):
    total = {"read": 0, **dict.fromkeys(OUTCOMES, 0)}
    for line in node.ask("audit-admin", "Audit/GetBalance", receiver=receiver).get("lines", []):
        for name in total:
            total[name] += int(line.get(name, 0))
    return total


def check(condition, what, shown=""):
    if not condition:
        sys.exit(f"FAILED: {what} (replay with HUILIU_SEED={SEED})\n{shown}")
    print("ok:", what, flush=True)


def settle(node, expected):
    deadline = time.time() + 120
    while time.time() < deadline:
        now = {r: counts(node, r) for r in RECEIVERS}
        for receiver, total in now.items():
            if total["read"] != sum(total[o] for o in OUTCOMES):
                check(False, "counts balance at all times", (receiver, total))
        if all({o: now[r][o] for o in OUTCOMES} == expected.counts[r] for r in RECEIVERS):
            return now
        time.sleep(0.3)
    return now


def verify(node, expected, read=FILES * ROWS_A_FILE):
    now = settle(node, expected)
    for receiver in RECEIVERS:
        check({o: now[receiver][o] for o in OUTCOMES} == expected.counts[receiver], f"{receiver}: every row counted once, by its outcome",
              (now[receiver], expected.counts[receiver]))
        check(now[receiver]["read"] == read, f"{receiver}: read = {read}", now[receiver])
        rows = {}
        for _ in range(50):
            rows = held(node, receiver)
            if rows == expected.held[receiver]:
                break
            time.sleep(0.2)
        check(rows == expected.held[receiver], f"{receiver}: holds its {len(rows)} rows, and nobody else's",
              {k: (rows.get(k), expected.held[receiver].get(k)) for k in rows.keys() | expected.held[receiver].keys()
               if rows.get(k) != expected.held[receiver].get(k)})


def kept_rows(node):
    rows, token = [], ""
    while True:
        page = node.ask("si-officer", "Intake/ListQuarantine", source="si", page_size=20, page_token=token)
        rows += page.get("rows", [])
        token = page.get("next_page_token", "")
        if not token:
            return rows


def repair(node, expected):
    try:
        node.ask("data-officer", "Intake/ListQuarantine", source="si")
        check(False, "another organisation sees no kept rows")
    except Refused as refused:
        check(refused.code == "permission_denied", "kept rows are the department's alone", refused)
    rows = kept_rows(node)
    bad = [row for row in rows if row["reason"].startswith("json.")]
    check(len(bad) == expected.bad and len(rows) == expected.bad + expected.undecided, "what nobody could map or decide is kept, once",
          (len(rows), len(bad), expected.bad, expected.undecided))
    good = json.dumps({"person_number": "P999999", "name": "王", "insured_division": "530102", "insurance_type": "养老", "status": "参保"}, ensure_ascii=False)
    fixed = bad[0]["id"]
    node.write_profiles()

    def quarantine(*verb):
        done = subprocess.run([os.path.join(BUILD, "bin/huiliu"), "--config", node.profile("si-officer"), "quarantine", verb[0], "--source", "si", *verb[1:]],
                              capture_output=True, timeout=60)
        return done.returncode, done.stdout.decode(), done.stderr.decode()
    undecided = next(row for row in rows if row["reason"].startswith("territory."))
    code, shown, _ = quarantine("show", undecided["id"])
    check(code == 0 and json.loads(shown.strip().split("\n")[-1])["insurance_type"] == "养老", "a row that was mapped is shown as the record that redrive takes", shown)
    check(quarantine("redrive", fixed)[0] == 2, "a redrive without a record is refused", fixed)
    corrections = os.path.join(node.state, "fixed.tsv")
    with open(corrections, "w", encoding="utf-8") as file:
        file.write(f'{fixed}\t{good}\n{bad[1]["id"]}\t{{"name":"王"}}\n')
    code, answer, error = quarantine("redrive", "--file", corrections, "--output", "json")
    check(code == 1, "corrections are given by the command line, and its exit code says that not all went well", answer + error)
    answer = json.loads(answer)["results"]
    check(answer[0]["outcome"] == "OUTCOME_RETURNED" and "error" not in answer[0] and answer[1].get("error"), "a good correction returns, a bad one says why", answer)
    shown = quarantine("list")[1]
    check(bad[1]["id"] in shown and fixed + " " not in shown, "the command line lists what is still kept", shown[-500:])
    node.kill(0)
    for receiver, outcome in (("530100", "returned"), ("532900", "outside_area")):
        expected.counts[receiver]["quarantined"] -= 1
        expected.counts[receiver][outcome] += 1
    expected.held["530100"]["P999999"] = ("530102", "参保")
    verify(node, expected)
    again = node.ask("si-officer", "Intake/Redrive", source="si", corrections=[{"id": fixed, "json": good}])["results"][0]
    check("already" in again.get("error", ""), "a row is decided again once", again)
    trace = node.ask("audit-admin", "Audit/TraceRecord", receiver="530100", dataset=DATASET, key={"values": ["P999999", "养老"]})
    steps = [hop["entry"]["step"] for hop in trace["hops"]]
    check({hop["entry"].get("receiver", "530100") for hop in trace["hops"]} == {"530100"}, "its way, not that of other receivers' records", trace["hops"])
    check(steps == ["STEP_INTAKE", "STEP_RETURN", "STEP_REDRIVE", "STEP_APPLY"] and trace.get("record_leaf"), "its way is in lineage, with the record's proof", steps)


def read_again(node, expected, drops):
    """A corrected row is no news when its file is read again."""
    once = {number for number, outcomes in expected.last.items() if expected.times[number] == 1 and "pending" in outcomes.values()}
    waiting = {re.search(rb"P\d{6}", base64.b64decode(row["raw"])).group().decode(): row for row in kept_rows(node) if row["reason"].startswith("territory.")}
    number = min(once & set(waiting))
    row = waiting[number]
    good = json.dumps({"person_number": number, "name": "王", "insured_division": "532901", "insurance_type": "养老", "status": "参保"}, ensure_ascii=False)
    done = node.ask("si-officer", "Intake/Redrive", source="si", corrections=[{"id": row["id"], "json": good}])["results"][0]
    check("error" not in done, "a row that waited is decided by what was added", done)
    expected.held["532900"][number] = ("532901", "参保")
    for receiver in RECEIVERS:
        expected.counts[receiver]["pending"] -= 1
        expected.counts[receiver]["returned" if receiver == "532900" else "outside_area"] += 1
    for name in os.listdir(drops):
        os.utime(os.path.join(drops, name))
    expected.row("P888888", "530102", "参保")
    with open(os.path.join(drops, ".last"), "w", encoding="utf-8") as file:
        file.write(json.dumps({"个人编号": "P888888", "险种": "养老", "操作": "U", "更新时间": "2026-01-02 00:00:00", "身份证号": "", "姓名": "王",
                               "参保地区划": "530102", "参保状态": "参保"}, ensure_ascii=False) + "\n")
    os.rename(os.path.join(drops, ".last"), os.path.join(drops, "zzz.jsonl"))
    verify(node, expected, FILES * ROWS_A_FILE + 1)


def drop(folder, name, rows):
    with open(os.path.join(folder, "." + name), "w", encoding="utf-8") as file:
        for number, division, second, operation in rows:
            file.write(json.dumps({"个人编号": number, "险种": "养老", "操作": operation, "更新时间": f"2026-01-03 00:00:{second}", "身份证号": "", "姓名": "王",
                                   "参保地区划": division, "参保状态": "参保"}, ensure_ascii=False) + "\n")
    os.rename(os.path.join(folder, "." + name), os.path.join(folder, name + ".jsonl"))


def two_sources(node, expected, first, second):
    """Another source of the system tells the same keys: the newer version of either stands, each row counts under who brought it."""
    read = FILES * ROWS_A_FILE + 1
    drop(first, "zzz1", [("P700001", "530102", 10, "U"), ("P700002", "530102", 30, "U"), ("P700003", "530102", 10, "U"), ("P700004", "530102", 10, "U")])
    for number in ("P700001", "P700002", "P700003", "P700004"):
        expected.row(number, "530102", "参保")
    verify(node, expected, read + 4)
    drop(second, "one", [("P700001", "532901", 20, "U"), ("P700002", "530103", 10, "U"), ("P700003", "530102", 10, "U"), ("P700004", "530102", 20, "D")])
    expected.row("P700001", "532901", "参保")
    expected.count("P700002", {"530100": "returned", "532900": "outside_area"})  # the older one: it counts, and changes nothing
    expected.row("P700003", "530102", "参保")
    expected.delete("P700004")
    verify(node, expected, read + 8)
    node.kill(0)
    drop(first, "zzz2", [("P700001", "530102", 15, "U"), ("P700004", "530103", 30, "U")])
    expected.count("P700001", {"530100": "returned", "532900": "outside_area"})
    expected.row("P700004", "530103", "参保")
    verify(node, expected, read + 10)
    lines = node.ask("audit-admin", "Audit/GetBalance", receiver="530100").get("lines", [])
    second_read = sum(int(line.get("read", 0)) for line in lines if line.get("source") == "si2")
    check(second_read == 4, "and the rows of the second count under it", lines)
    health = urllib.request.urlopen(f"https://127.0.0.1:{node.http}/healthz", context=node.tls, timeout=10).read().decode()
    check("wrote over" not in health, "sources that the node decides overwrite nothing of each other's", health)


def main():
    rng = random.Random(SEED)
    print(f"seed {SEED}", flush=True)
    folder = tempfile.mkdtemp(prefix="huiliu-hub-")
    node = HubNode(BUILD, folder, Pki(os.path.join(folder, "pki")))
    stop = threading.Event()
    try:
        node.start()
        set_up(node)
        drops = os.path.join(folder, "drops")
        os.makedirs(drops)
        second = os.path.join(folder, "second")
        os.makedirs(second)
        si = {
            "id": "si", "_system": "sv-social-insurance", "plugin": "file", "dataset": DATASET, "batch_rows": 40, "linger_ms": 20,
            "mapping": os.path.join(ROOT, "deploy/samples/mappings/insurance_participation.yaml"),
            "options": {"path": drops, "format": "jsonl", "pattern": "*.jsonl", "columns": ["个人编号", "身份证号", "姓名", "参保地区划", "险种", "参保状态", "操作", "更新时间"]}}
        node.start_agent("state-si", sources=[si, {**si, "id": "si2", "options": {**si["options"], "path": second}}])
        expected = Expected()
        writer = threading.Thread(target=write_files, args=(drops, random.Random(SEED + 1), expected, stop))
        writer.start()
        for kill in range(KILLS):
            time.sleep(rng.uniform(0.2, 0.8))
            node.kill(0 if kill % 4 != 3 else 1)
        writer.join()
        print(f"{KILLS} kills", flush=True)
        verify(node, expected)
        repair(node, expected)
        read_again(node, expected, drops)
        two_sources(node, expected, drops, second)
    except BaseException:
        stop.set()
        for path in (node.log, os.path.join(folder, "agents/state-si/agent.log"), os.path.join(folder, "agents/state-si/status/si.json")):
            if os.path.exists(path):
                print(os.path.basename(path), open(path, errors="replace").read()[-2500:], file=sys.stderr)
        raise
    finally:
        node.stop()
        subprocess.run(["rm", "-rf", folder])
    print("a source that the node decides: passed")


main()
