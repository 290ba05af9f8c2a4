#!/usr/bin/env python3
"""Rules tried before they hold, on the real binaries: a draft is proposed, tried at the node (placement NODE) and by the department (at the
edge), its numbers are those that were computed here, it is approved, and what then happens is what the dry run said. One record is
explained at both places. dry_run_test.py BUILD; HUILIU_SEED replays a run."""
import base64
import json
import os
import random
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy/demo"))
from demo_purpose import PURPOSE  # noqa: E402
from generate import citizen_id  # noqa: E402
from node import Node  # noqa: E402
from pki import Pki  # noqa: E402
from registry_data import put_in_force  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
SEED = int(os.environ.get("HUILIU_SEED", time.time_ns() % 10**9))
DATASET = "insurance_participation"
KUNMING, DALI = "530100", "532900"
DIVISIONS = ["530102", "530103", "530111", "532901"]
ROWS = 1500
COLUMNS = ["个人编号", "身份证号", "姓名", "参保地区划", "险种", "参保状态", "操作", "更新时间"]


class Hub(Node):
    """A source that the node decides for two receivers, and one at the edge for Kunming. Its people belong to no receiver."""
    ORGANISATIONS = {**Node.ORGANISATIONS, "yn-data": "云南省数据局（模拟）"}
    ACCOUNTS = {**{account: ("yn-data" if organisation in ("km-data", "km-audit") else organisation, roles)
                   for account, (organisation, roles) in Node.ACCOUNTS.items()},
                "viewer": ("yn-data", ["data_officer"])}

    def register_source(self, source, system, dataset, organisation, key_hex, expected_every="24h"):
        at_node = source == "hub"
        self.put("system-admin", "Registry/PutSource", source={
            "id": source, "system": system, "dataset": dataset, "organisation": organisation,
            "placement": "PLACEMENT_NODE" if at_node else "PLACEMENT_EDGE", "receivers": [KUNMING, DALI] if at_node else [KUNMING],
            "batch_public_key": base64.b64encode(bytes.fromhex(key_hex)).decode(), "department": organisation,
            "department_title": self.ORGANISATIONS[organisation], "expected_every": expected_every})


def check(condition, what, shown=""):
    if not condition:
        sys.exit(f"FAILED: {what} (replay with HUILIU_SEED={SEED})\n{shown}")
    print("ok:", what, flush=True)


class Exchange:
    def __init__(self, folder):
        self.folder = folder
        self.node = Hub(BUILD, folder, Pki(os.path.join(folder, "pki")))

    def cli(self, account, *arguments, expect=0):
        done = subprocess.run([os.path.join(BUILD, "bin/huiliu"), "--config", self.node.profile(account), *arguments], capture_output=True, text=True, timeout=120)
        if done.returncode != expect:
            sys.exit(f"FAILED: huiliu {' '.join(arguments)} ended with {done.returncode}, not {expect}:\n{done.stdout}\n{done.stderr}")
        return done.stdout if expect == 0 else done.stderr

    def agent(self, *arguments, expect=0):
        done = subprocess.run([os.path.join(BUILD, "bin/huiliu-agent"), *arguments], capture_output=True, text=True, timeout=120)
        if done.returncode != expect:
            sys.exit(f"FAILED: huiliu-agent {' '.join(arguments)} ended with {done.returncode}, not {expect}:\n{done.stdout}\n{done.stderr}")
        return done.stdout if expect == 0 else done.stderr

    def draft(self, dataset, name, rule):
        """The rules in force with one withholding rule before them."""
        with open(os.path.join(ROOT, f"schemas/rules/{dataset}.{KUNMING}.yaml"), encoding="utf-8") as file:
            text = file.read()
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("rules:\n", "rules:\n" + rule, 1))
        return path

    def history(self, dataset, version):
        sets = json.loads(self.cli("data-approver", "rules", "history", "--dataset", dataset, "--receiver", KUNMING, "--output", "json"))["rule_sets"]
        return next(s for s in sets if s["version"] == version)

    def held(self, dataset, key):
        rows, token = set(), ""
        while True:
            page = self.node.call("hrss-clerk", "Catalog/Query", context={"receiver": KUNMING, "dataset": dataset, "purpose": PURPOSE}, page_size=1000, page_token=token)
            rows |= {row["fields"][key] for row in page.get("rows", [])}
            token = page.get("next_page_token", "")
            if not token:
                return rows

    def await_held(self, dataset, key, expected, what, prefix="P"):
        deadline = time.time() + 60
        while time.time() < deadline:
            rows = {row for row in self.held(dataset, key) if row.startswith(prefix)}
            if rows == expected:
                break
            time.sleep(0.2)
        check(rows == expected, what, (len(rows), len(expected), sorted(rows ^ expected)[:5]))


def counts(report):
    return {c["category"].removeprefix("DRY_RUN_CATEGORY_"): int(c["records"]) for c in report.get("counts", [])}


def write(path, lines):
    hidden = os.path.join(os.path.dirname(path), "." + os.path.basename(path) + ".tmp")
    with open(hidden, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    os.rename(hidden, path)


def people(rng, prefix):
    """person → (division, status), and every version that is written: some twice, the later one counts."""
    newest, versions = {}, []
    for i in range(ROWS):
        number = f"{prefix}{rng.randrange(ROWS * 2 // 3):05d}"
        newest[number] = (rng.choice(DIVISIONS), rng.choice(["参保", "参保", "停保"]))
        versions.append((number, *newest[number]))
    return newest, versions


def lines_of(versions, day, rng):
    return [json.dumps({"个人编号": n, "险种": "养老", "操作": "U", "更新时间": f"2026-01-{day:02d} {i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d}",
                        "身份证号": citizen_id(rng, d), "姓名": "王", "参保地区划": d, "参保状态": s}, ensure_ascii=False)
            for i, (n, d, s) in enumerate(versions)]


def at_the_node(exchange, rng, drops):
    node = exchange.node
    newest, versions = people(rng, "P")
    write(os.path.join(drops, "a.jsonl"), lines_of(versions, 1, rng))
    kunming = {n for n, (d, _) in newest.items() if d.startswith("5301")}
    stopped = {n for n in kunming if newest[n][1] == "停保"}
    exchange.await_held(DATASET, "person_number", kunming, f"Kunming holds its {len(kunming)} people")

    draft = exchange.draft(DATASET, "draft.530100.yaml", '  - {id: stopped, title: 停保不回流, when: \'status == "停保"\', withhold: 停保信息暂不回流}\n')
    exchange.cli("data-officer", "rules", "propose", draft)
    report = json.loads(exchange.cli("data-officer", "rules", "dry-run", draft, "--output", "json"))
    check(counts(report) == {"NO_LONGER_RETURNED": len(stopped), "UNCHANGED": len(newest) - len(stopped)}, "the numbers are those computed here", report["counts"])
    check(int(report["changes"]) == ROWS and int(report["records"]) == len(newest) and int(report["superseded"]) == ROWS - len(newest), "the newest version of each key counts", report)
    by_county = {p["name"]: counts(p).get("NO_LONGER_RETURNED", 0) for p in report["divisions"]}
    check(by_county == {d: sum(newest[n][0] == d for n in stopped) for d in DIVISIONS}, "by county, too", by_county)
    check([(r["active_rule"], r["draft_rule"], int(r["records"])) for r in report["rules"]] == [("own_area", "stopped", len(stopped))], "by the rules that decided", report["rules"])
    check(len(report["samples"]) == 5 and all("values" not in s and len(base64.b64decode(s["key_digest"])) == 32 for s in report["samples"]), "without a grant samples have no values", report["samples"][0])
    seen = json.loads(exchange.cli("viewer", "rules", "dry-run", draft, "--purpose", PURPOSE, "--output", "json"))["samples"]
    values = {v["field"]: v for v in seen[0]["values"]}
    check(values["status"]["active"] == "停保" and "citizen_id" not in values, "through a grant they have what it shows", values)
    check(seen[0]["place"] == report["samples"][0]["place"], "the same seed, the same samples")
    shown = exchange.cli("data-approver", "rules", "dry-run", "--dataset", DATASET, "--version", "2", "--receiver", KUNMING)
    check("不再回流" in shown and "按县区" in shown and "五华区" in shown and "记在该版本上" in shown, "and in words", shown)
    tried = exchange.history(DATASET, 2)["dry_runs"]
    check(len(tried) == 3 and counts(tried[-1])["NO_LONGER_RETURNED"] == len(stopped), "it stands with the version", tried)
    check(f"不再回流 {len(stopped)}" in exchange.cli("data-approver", "rules", "history", "--dataset", DATASET, "--receiver", KUNMING), "its history says so")
    check(f"不再回流 {len(stopped)}" in exchange.cli("data-approver", "rules", "plan", draft, "--schemas", os.path.join(ROOT, "schemas")), "and its plan")
    check("需要角色数据专员" in exchange.cli("hrss-clerk", "rules", "dry-run", draft, expect=4), "others may not")

    out = exchange.cli("viewer", "rules", "explain", "--dataset", DATASET, "--key", sorted(stopped)[0], "--key", "养老", "--purpose", PURPOSE, "--version", "2",
                       "--receiver", KUNMING, "--schemas", os.path.join(ROOT, "schemas"))
    check("规则 stopped" in out and "✓ 参保状态为“停保”（status == " in out and "参保状态 = 停保" in out and "停保信息暂不回流" in out, "one record is explained by the draft", out)
    out = exchange.cli("viewer", "rules", "explain", "--dataset", DATASET, "--at-offset", seen[0]["place"], "--purpose", PURPOSE, "--receiver", KUNMING,
                       "--schemas", os.path.join(ROOT, "schemas"))
    check("结果：已回流" in out and seen[0]["place"] in out, "and by the rules in force, by its place in the log", out)

    out = exchange.cli("data-approver", "rules", "approve", DATASET, "--version", "2", "--receiver", KUNMING)
    check("现行" in out and f"不再回流 {len(stopped)}" in out, "the approver is told what it comes to", out)
    write(os.path.join(drops, "b.jsonl"), lines_of([(n, *newest[n]) for n in newest], 2, rng))
    exchange.await_held(DATASET, "person_number", kunming - stopped, f"and {len(stopped)} are withdrawn, as it said")


def at_the_edge(exchange, rng, config, drops):
    """Rows that the department's own agent decides; the draft gives back what the rules in force withhold."""
    time.sleep(7)  # an agent asks for new rules every five seconds
    newest, versions = people(rng, "E")
    write(os.path.join(drops, "a.jsonl"), lines_of(versions, 1, rng))
    kunming = {n for n, (d, _) in newest.items() if d.startswith("5301")}
    stopped = {n for n in kunming if newest[n][1] == "停保"}
    exchange.await_held(DATASET, "person_number", kunming - stopped, "the edge returns what the rules in force say", "E")
    draft = exchange.draft(DATASET, "edge.530100.yaml", "")
    exchange.cli("data-officer", "rules", "propose", draft)
    arguments = ["--config", config, "--source", "edge"]
    report = json.loads(exchange.agent("rules", "dry-run", *arguments, "--version", "3", "--output", "json"))
    check(counts(report) == {"NEWLY_RETURNED": len(stopped), "UNCHANGED": len(newest) - len(stopped)}, "at the edge the numbers are those computed here", report["counts"])
    check(report["sources"] == ["edge"] and int(report["changes"]) == ROWS and report["active_version"] == 2, "its own source, read again", report["sources"])
    sample = {v["field"]: v for v in report["samples"][0]["values"]}
    check(sample["status"].get("draft") == "停保" and "draft" not in sample["name"] and "draft" not in sample["citizen_id"], "its own records, persons hidden", sample)
    tried = exchange.history(DATASET, 3)["dry_runs"]
    check(len(tried) == 1 and tried[0]["source"] == "edge" and tried[0]["account"] == "agent-state-si", "the officer sees that the department tried it", tried)
    local = exchange.agent("rules", "dry-run", *arguments, "--draft", draft, "--samples", "0")
    check("新增回流" in local and "草案" in local and "样例" not in local, "a file is tried without telling anybody", local)
    check(len(exchange.history(DATASET, 3)["dry_runs"]) == 1, "which the node did not hear of")
    key = ["--key", sorted(stopped)[0], "--key", "养老"]
    out = exchange.agent("rules", "explain", *arguments, *key, "--newest")
    check("✓ 参保状态为“停保”（status == " in out and "参保状态 = 停保" in out and "停保信息暂不回流" in out and "参保地区划 = 5301" in out, "one record is explained at the edge", out)
    out = exchange.agent("rules", "explain", *arguments, *key, "--newest", "--version", "3")
    check("规则 own_area" in out and "结果：已回流" in out, "by any version", out)
    check("没有这条记录" in exchange.agent("rules", "explain", *arguments, "--key", "nobody", "--key", "养老", expect=1), "a key that is not there is said to be none")
    error = exchange.agent("rules", "dry-run", "--config", config, "--source", "hub", "--draft", draft, expect=1)
    check("由节点判定" in error, "of the node's sources the officer tries at the node", error)
    report = json.loads(exchange.cli("data-officer", "rules", "dry-run", draft, "--output", "json"))
    check(report["edge_sources"] == ["edge"] and "huiliu-agent rules dry-run" in report["note"], "and there the edge is named as left out", report["note"])
    exchange.cli("data-approver", "rules", "approve", DATASET, "--version", "3", "--receiver", KUNMING)
    time.sleep(7)
    write(os.path.join(drops, "b.jsonl"), lines_of([(n, *newest[n]) for n in newest], 2, rng))
    exchange.await_held(DATASET, "person_number", kunming, f"and {len(stopped)} are returned, as it said", "E")


def main():
    rng = random.Random(SEED)
    print(f"seed {SEED}", flush=True)
    folder = tempfile.mkdtemp(prefix="huiliu-dry-run-")
    exchange = Exchange(folder)
    node = exchange.node
    try:
        node.start()
        with open(os.path.join(ROOT, f"schemas/datasets/population/{DATASET}.proto"), encoding="utf-8") as file:
            node.put("system-admin", "Registry/PutDataset", source_name=f"{DATASET}.proto", source_text=file.read())
        node.put("system-admin", "Registry/PutReceiver", receiver={"id": DALI, "title": "大理白族自治州", "divisions": [DALI]})
        with open(os.path.join(ROOT, f"schemas/rules/{DATASET}.{KUNMING}.yaml"), encoding="utf-8") as file:
            rules = file.read()
        for receiver in (KUNMING, DALI):
            put_in_force(node, f"si.{receiver}.yaml", rules.replace(KUNMING, receiver))
        for organisation in ("km-hrss", "yn-data"):
            node.put("security-admin", "Governance/PutGrant", grant={
                "id": f"{organisation}-si", "organisation": organisation, "receiver": KUNMING, "dataset": DATASET, "purpose": PURPOSE, "legal_basis": "政务数据共享条例",
                "valid_to": "2099-01-01T00:00:00Z", "masks": {}, "fields": ["person_number", "insurance_type", "status", "insured_division"]})
        for system in ("sv-social-insurance", "sv-edge"):
            node.put("system-admin", "Registry/PutSystem", system={"id": system, "title": "社会保险", "tier": "TIER_STATE_VERTICAL",
                                                                   "owner": "人力资源社会保障部", "datasets": [DATASET], "status": "SYSTEM_STATUS_CONFIRMED"})
        drops = {}
        for name in ("hub", "edge"):
            drops[name] = os.path.join(folder, "drops-" + name)
            os.makedirs(drops[name])

        def source(name, system):
            return {"id": name, "_system": system, "plugin": "file", "dataset": DATASET, "batch_rows": 100, "linger_ms": 20,
                    "mapping": os.path.join(ROOT, "deploy/samples/mappings/insurance_participation.yaml"),
                    "options": {"path": drops[name], "format": "jsonl", "pattern": "*.jsonl", "columns": COLUMNS}}
        node.start_agent("state-si", sources=[source("hub", "sv-social-insurance"), source("edge", "sv-edge")])
        at_the_node(exchange, rng, drops["hub"])
        at_the_edge(exchange, rng, os.path.join(folder, "agents/state-si/agent.yaml"), drops["edge"])
    except BaseException:
        for path in (node.log, os.path.join(folder, "agents/state-si/agent.log")):
            if os.path.exists(path):
                print(os.path.basename(path), open(path, errors="replace").read()[-2500:], file=sys.stderr)
        raise
    finally:
        node.stop()
        subprocess.run(["rm", "-rf", folder])
    print("rules tried before they hold: passed")


main()
