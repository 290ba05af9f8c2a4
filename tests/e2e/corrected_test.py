#!/usr/bin/env python3
"""Rows that somebody corrected, on the real binaries with topics of three partitions: what the source goes on telling counts once and waits never again,
until it tells something else; every record is proven, whatever partition it lies in, and nothing is by a checkpoint that does not hold; an auditor's question
is in the log; a grant that is amended stays as narrow as it was. corrected_test.py BUILD"""
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy/demo"))
import registry_data  # noqa: E402
from demo_purpose import PURPOSE  # noqa: E402
from node import Node, Refused  # noqa: E402
from pki import Pki  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
MAPPINGS = os.path.join(ROOT, "deploy/samples/mappings")
OUTCOMES = ("returned", "outside_area", "withheld", "quarantined", "pending")
HEADER = "个人编号,身份证号,姓名,参保地区划,参保地,险种,参保状态,更新时间,操作\n"
DATASET = "insurance_participation"


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


def row(number, division="", second=1):
    return f"{number},,王,{division},,养老,参保,2026-01-01 00:00:{second:02d},U\n"


class Run:
    def __init__(self, folder):
        self.folder = folder
        self.node = Node(BUILD, folder, Pki(os.path.join(folder, "pki")))
        self.node.backbone = "topics: {partitions: 3}\n"

    def start(self):
        self.node.start()
        registry_data.register_contracts(self.node)
        registry_data.register_systems(self.node)
        fields = self.node.call("system-admin", "Registry/GetDataset", id=DATASET)["dataset"]["fields"]
        registry_data.grant(self.node, "km-hrss", DATASET, PURPOSE, {f["name"]: {"keep": True} for f in fields if f.get("personal")})
        sources = []
        for name, dataset, system, more in (("si", DATASET, "sv-social-insurance", {}), ("emp", "employment", "mu-employment", {"format": "jsonl"})):
            os.makedirs(os.path.join(self.folder, name))
            sources.append({"id": name, "_system": system, "plugin": "file", "dataset": dataset, "linger_ms": 20, "mapping": f"{MAPPINGS}/{dataset}.yaml",
                            "options": {"path": os.path.join(self.folder, name), "settle_ms": 200, **more}})
        self.agent = self.node.start_agent("state-si", sources=sources)
        self.config = os.path.join(self.agent, "agent.yaml")

    def write(self, name, text, source="si"):
        part = os.path.join(self.folder, source, "." + name)
        with open(part, "w", encoding="utf-8") as file:
            file.write(text if source != "si" else HEADER + text)
        os.rename(part, os.path.join(self.folder, source, name))

    def counts(self, source="si"):
        total = {"read": 0, **dict.fromkeys(OUTCOMES, 0)}
        for line in self.node.call("audit-admin", "Audit/GetBalance").get("lines", []):
            for name in total:
                total[name] += int(line.get(name, 0)) if line["source"] == source else 0
        if total["read"] != sum(total[name] for name in OUTCOMES):
            sys.exit(f"FAILED: the balance does not hold: {total}")
        return {name: count for name, count in total.items() if count}

    def wait_counts(self, source="si", **expected):
        expected = {"read": sum(expected.values()), **expected}
        wait_for(f"{source} counts {expected}", lambda: self.counts(source) == expected, lambda: self.counts(source))

    def stay(self, **expected):
        time.sleep(2)
        expected = {"read": sum(expected.values()), **expected}
        check(self.counts() == expected, f"still {expected}", self.counts())

    def agent_json(self, *arguments, expect=0):
        done = subprocess.run([os.path.join(BUILD, "bin/huiliu-agent"), *arguments, "--config", self.config, "--output", "json"], capture_output=True, text=True, timeout=60)
        check(done.returncode == expect, "huiliu-agent " + " ".join(arguments[:2]), done.stdout + done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def pending(self):
        return self.agent_json("pending", "list", "--source", "si")

    def cli(self, account, *arguments, expect=0):
        done = subprocess.run([os.path.join(BUILD, "bin/huiliu"), "--config", self.node.profile(account), *arguments], capture_output=True, text=True, timeout=60)
        check(done.returncode == expect, f"huiliu {' '.join(arguments[:3])} ends with {expect}", f"{done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def held(self):
        rows = self.node.call("hrss-clerk", "Catalog/Query", context={"receiver": "530100", "dataset": DATASET, "purpose": PURPOSE}, page_size=1000)
        return {one["fields"]["person_number"]: one["fields"]["insured_division"] for one in rows.get("rows", [])}


def told_again(run):
    """The source goes on telling what somebody corrected."""
    run.write("d1.csv", row("K1"))
    run.wait_counts(pending=1)
    done = run.agent_json("pending", "redrive", run.pending()[0]["id"], "--set", "参保地区划=530102")
    check(done[0]["outcome"] == "OUTCOME_RETURNED", "corrected, it returns", done)
    run.wait_counts(returned=1)
    os.utime(os.path.join(run.folder, "si", "d1.csv"))
    run.stay(returned=1)
    run.write("d2.csv", row("K1"))
    run.wait_counts(returned=2)
    check(run.pending() == [], "the same in the next file waits no more")
    for name in ("d1.csv", "d2.csv"):
        os.utime(os.path.join(run.folder, "si", name))
    run.stay(returned=2)
    check(run.held() == {"K1": "530102"}, "and stays corrected", run.held())
    lines = [line for line in run.node.call("audit-admin", "Audit/GetBalance")["lines"] if line["source"] == "si"]
    check(sum(int(line.get("byCounty", line.get("by_county", {})).get("530102", 0)) for line in lines) == 2, "under its county", lines)


def told_otherwise(run):
    """The source corrects it itself, or tells something else: then that holds."""
    run.write("d3.csv", row("K1", "530103", second=2))
    run.wait_counts(returned=3)
    check(run.held() == {"K1": "530103"}, "what the source tells later stands", run.held())
    for name in ("d1.csv", "d2.csv"):
        os.utime(os.path.join(run.folder, "si", name))
    run.stay(returned=3)
    run.write("d4.csv", row("K1", second=3))
    run.wait_counts(returned=3, pending=1)
    check(len(run.pending()) == 1 and run.held() == {"K1": "530103"}, "the source takes it back: that is news, and waits", run.held())
    run.write("e1.csv", row("K2"))
    run.wait_counts(returned=3, pending=2)
    waiting = [one for one in run.pending() if one["place"].startswith("e1")]
    run.agent_json("pending", "redrive", waiting[0]["id"], "--set", "参保地区划=530102")
    run.wait_counts(returned=4, pending=1)
    run.write("e1.csv", row("K2", "530102"))
    run.stay(returned=4, pending=1)
    run.write("e1.csv", row("K2"))
    run.wait_counts(returned=4, pending=2)


def proofs(run):
    """A batch that lies in three partitions."""
    run.write("p.csv", "".join(row(f"P{i}", "530102") for i in range(12)))
    run.wait_counts(returned=16, pending=2)
    wait_for("they are in the catalog", lambda: len(run.held()) == 14, run.held)
    key = subprocess.run([os.path.join(BUILD, "bin/huiliu-agent"), "key", "--config", run.config, "--source", "si"], capture_output=True, text=True, check=True).stdout.strip()
    run.node.tell_auditor()
    ask = ("audit", "record", DATASET, "--source-key", f"si={key}", "--output", "json")
    for i in range(12):
        answer = json.loads(run.cli("audit-admin", *ask, f"P{i}", "养老").splitlines()[0])
        verified = answer["verified"]
        check(verified["record"] == "proven" and set(verified["hops"].values()) == {"proven"} and set(verified["batch_signatures"].values()) == {"proven"},
              f"P{i} is proven", verified)
    shown = run.cli("audit-admin", "audit", "record", DATASET, "P1", "养老")
    check("未核对：未给出该数据源的公钥" in shown and "✗" not in shown, "a signature that is not checked is said not to be", shown)
    run.cli("hrss-clerk", "get", DATASET, "P1", "养老", "--purpose", PURPOSE)
    wait_for("who has seen it is told, not proven", lambda: any("查询，使用场景" in line and "未证明" in line for line in run.cli("audit-admin", "audit", "record", DATASET, "P1", "养老").splitlines()))
    other = run.cli("audit-admin", "audit", "record", DATASET, "P1", "养老", "--source-key", "si=" + "0" * 64, expect=1)
    check("✗ 不成立：不是由所给公钥签署的" in other, "another key than the department's is found", other)
    check("--source-key" in run.cli("audit-admin", "audit", "record", DATASET, "P1", "养老", "--source-key", "si=zz", expect=2), "a key that is none is the caller's mistake")
    profile = run.node.profile("audit-admin")
    with open(profile, encoding="utf-8") as file:
        config = file.read()
    known = config[config.index("audit_key: "):].split()[1]
    try:
        for wrong, expect in (("zz", 2), ("0" * 64, 1)):
            with open(profile, "w", encoding="utf-8") as file:
                file.write(config.replace(known, wrong))
            shown = run.cli("audit-admin", "audit", "record", DATASET, "P1", "养老", expect=expect)
            check(("audit_key" in shown and "64" in shown) if expect == 2 else ("✓" not in shown and "检查点不成立" in shown),
                  f"audit_key {wrong[:4]}: nothing is proven", shown)
    finally:
        with open(profile, "w", encoding="utf-8") as file:
            file.write(config)


def asked(run):
    """Who asked is in the log, what key was not."""
    export = os.path.join(run.folder, "log.export")
    run.cli("audit-admin", "audit", "record", DATASET, "530102199001011237", "养老", expect=3)
    run.cli("audit-admin", "audit", "export", export)
    with open(export, "rb") as file:
        log = file.read()
    check(log.count(b"Audit.TraceRecord") >= 15 and b"530102199001011237" not in log, "an auditor's questions are entries of the log, without their keys", log.count(b"Audit.TraceRecord"))


def amended(run):
    """By the command line and through the API."""
    def grant(**more):
        now = {g["id"]: g for g in run.node.call("security-admin", "Governance/ListGrants", page_size=1000)["grants"]}["narrow"]
        bare = {name: value for name, value in now.items() if name not in ("row_filter", "rowFilter", "masks", "fields", "version")}
        return run.node.call("security-admin", "Governance/PutGrant", grant=bare, seen_version=now["version"], **more)["grant"]

    filtered = 'division == "530102"'
    run.cli("security-admin", "grant", "put", "narrow", "--organisation", "km-tax", "--dataset", DATASET, "--purpose", PURPOSE, "--legal-basis", "条例",
            "--filter", filtered, "--mask", "name=drop", "--mask", "citizen_id=partial:6:4", "--valid-to", "2099-12-31")
    kept = grant()
    check(kept.get("row_filter") == filtered and kept["masks"]["name"]["drop"] and kept["masks"]["citizen_id"]["partial"], "an amendment through the API keeps filter and masks", kept)
    run.cli("security-admin", "grant", "put", "narrow", "--purpose", PURPOSE + "二", "--mask", "citizen_id=keep")
    kept = grant()
    check(kept.get("row_filter") == filtered and kept["masks"]["name"]["drop"] and kept["masks"]["citizen_id"]["keep"], "and one by the command line", kept)
    check("--no-filter" in run.cli("security-admin", "grant", "put", "narrow", "--filter", "", expect=2), "an empty filter is no word for all rows")
    open_rows = grant(clear_row_filter=True, clear_masks=["citizen_id"])
    check(not open_rows.get("row_filter") and "citizen_id" not in open_rows["masks"] and open_rows["masks"]["name"]["drop"], "cleared on purpose through the API", open_rows)
    run.cli("security-admin", "grant", "put", "narrow", "--filter", filtered)
    run.cli("security-admin", "grant", "put", "narrow", "--no-filter", "--no-mask", "name")
    kept = grant()
    check(not kept.get("row_filter") and "name" not in kept.get("masks", {}), "and by the command line", kept)
    try:
        grant(clear_masks=["no_such"])
        check(False, "a mask that is not there cannot be cleared")
    except Refused as error:
        check("no_such" in str(error), "a mask that is not there cannot be cleared", error)


def renamed_member(run):
    """A member that the mapping does not name, because it is called like its field."""
    first = {"id_card": "530102199001011237", "employer_uscc": "91530100MA6K000001", "name": "甲", "status": "在职", "work_division": "530102", "op": "U", "updated_at": "2026-01-01 00:00:00"}
    run.write("a.jsonl", json.dumps(first) + "\n", "emp")
    run.wait_counts("emp", returned=1)
    renamed = {("employer_code" if name == "employer_uscc" else "state" if name == "status" else name): value for name, value in first.items()}
    run.write("b.jsonl", json.dumps(renamed) + "\n", "emp")
    run.write("c.jsonl", json.dumps({**{("state" if n == "status" else n): v for n, v in first.items()}, "employer_uscc": "91530100MA6K000002", "530102199001011237": 1}) + "\n", "emp")
    run.wait_counts("emp", returned=2)
    with open(os.path.join(run.agent, "status", "emp.json"), encoding="utf-8") as file:
        notices = "\n".join(json.load(file)["notices"])
    check("b.jsonl: " in notices and "employer_uscc" in notices and "不读取、不计数" in notices, "a key's member that was renamed: its file is not read", notices)
    check("c.jsonl: 没有此前的文件有过的成员 status，按空值读取" in notices, "another's is told", notices)
    with open(os.path.join(run.agent, "agent.log"), encoding="utf-8") as file:
        check("530102199001011237" not in notices + file.read(), "a member's name that is somebody's number is not told")


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        run = Run(folder)
        try:
            run.start()
            for test in (told_again, told_otherwise, proofs, asked, amended, renamed_member):
                print(f"-- {test.__name__}", flush=True)
                test(run)
        finally:
            run.node.stop()
    print("PASSED")


main()
