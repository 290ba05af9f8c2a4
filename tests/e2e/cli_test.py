#!/usr/bin/env python3
"""The whole exchange by the command line alone, on the real binaries: a city is set up, a source is checked and registered, rows return,
a bureau reads, loses its grant, an auditor traces and verifies. cli_test.py BUILD"""
import base64
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy/demo"))
from node import Node  # noqa: E402
from pki import Pki  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
PURPOSE = "社会保险与就业服务"
HEADER = "个人编号,身份证号,姓名,参保地区划,参保地,单位统一社会信用代码,险种,参保状态,参保日期,操作,更新时间\n"
ROWS = [
    "P1,530102199001011234,张三,530102,昆明市五华区,,养老,参保,2020-01-01,U,2026-01-01 00:00:01\n",
    "P2,530103199001011232,李四,530103,昆明市盘龙区,,养老,停保,2020-01-01,U,2026-01-01 00:00:02\n",
    "P3,532901199001011236,王五,532901,大理市,,养老,参保,2020-01-01,U,2026-01-01 00:00:03\n",
]
BAD_ROW = ",530102199001011234,无编号,530102,昆明市五华区,,养老,参保,2020-01-01,U,2026-01-01 00:00:04\n"
RULES = os.path.join(ROOT, "schemas/rules/insurance_participation.530100.yaml")


class Cli:
    def __init__(self, folder, node):
        self.folder = folder
        with open(self.path("cli.yaml"), "w", encoding="utf-8") as file:
            file.write(f"node: {{address: 'localhost:{node.grpc}', ca: pki/ca.pem}}\nreceiver: '530100'\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, account, *arguments, expect=0):
        """(stdout, stderr); the exit code is part of what is promised."""
        token = ["--token-file", self.path(f"cli/{account}.token")] if account else []
        done = subprocess.run([os.path.join(BUILD, "bin/huiliu"), "--config", self.path("cli.yaml"), *token, *arguments],
                              capture_output=True, text=True, timeout=60, cwd=self.folder)
        if done.returncode != expect:
            sys.exit(f"FAILED: huiliu {' '.join(arguments)} ended with {done.returncode}, not {expect}:\n{done.stdout}\n{done.stderr}")
        return done.stdout, done.stderr

    def json(self, account, *arguments, expect=0):
        return [json.loads(line) for line in self.run(account, *arguments, "--output", "json", expect=expect)[0].splitlines()]


def check(condition, what, shown=""):
    if not condition:
        sys.exit(f"FAILED: {what}\n{shown}")
    print("ok:", what)


def set_up(cli):
    out, _ = cli.run("system-admin", "whoami")
    check("系统管理员" in out and "km-data" in out, "whoami in the users' words", out)
    cli.run("system-admin", "organisation", "put", "km-civil", "--title", "昆明市民政局", "--receiver", "530100")
    cli.run("system-admin", "organisation", "put", "km-civil", "--uscc", "115301000151204488")
    one = [o for o in cli.json("system-admin", "organisation", "list")[0]["organisations"] if o["id"] == "km-civil"][0]
    check(one["title"] == "昆明市民政局" and one["uscc"] == "115301000151204488", "what a put does not name stays", one)
    cli.run("security-admin", "account", "put", "civil-clerk", "--organisation", "km-civil", "--role", "需求部门", "--new-token", "cli/civil-clerk.token")
    check(os.stat(cli.path("cli/civil-clerk.token")).st_mode & 0o777 == 0o600, "a token's file is its owner's alone")
    check("需求部门" in cli.run("civil-clerk", "whoami")[0], "the new account is known by its token")
    cli.run("security-admin", "account", "put", "both", "--organisation", "km-data", "--role", "system_administrator", "--role", "audit_administrator", expect=2)
    cli.run("civil-clerk", "organisation", "put", "x", "--title", "x", expect=4)
    first = cli.json("system-admin", "system", "import", os.path.join(ROOT, "schemas/systems/systems.tsv"))[0]
    again = cli.json("system-admin", "system", "import", os.path.join(ROOT, "schemas/systems/systems.tsv"))[0]
    check(first == {"added": 190, "changed": 0, "unchanged": 0} and again["unchanged"] == 190, "the inventory of 190, and nothing twice", (first, again))
    vertical = cli.json("system-admin", "system", "list", "--tier", "国垂系统")[0]
    check(len(vertical["systems"]) == 85, "85 state-vertical systems", len(vertical["systems"]))
    contracts = [os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(ROOT, "schemas/datasets")) for name in names]
    cli.run("system-admin", "dataset", "check", *contracts)
    cli.run("system-admin", "dataset", "put", *contracts)
    shown, _ = cli.run("civil-clerk", "dataset", "show", "insurance_participation")
    check("参保地区划" in shown and "string" in shown and "一般数据4级" in shown, "a dataset's fields with their titles", shown)


def check_rules(cli):
    with open(RULES, encoding="utf-8") as file:
        text = file.read()
    with open(cli.path("bad.530100.yaml"), "w", encoding="utf-8") as file:
        file.write(text.replace('when: "', 'when: "no_such_field == 1 && ', 1) if 'when: "' in text else text + "\n  - id: x\n    title: x\n    when: no_such_field == 1\n    legal_basis: x\n")
    out, _ = cli.run("data-officer", "rules", "check", "bad.530100.yaml", expect=1)
    check("bad.530100.yaml:" in out and "no_such_field" in out, "a rule's error names file, line and column", out)
    check("无误" in cli.run("data-officer", "rules", "check", RULES)[0], "a good rule file has no errors")
    check("+ own_area" in cli.run("data-officer", "rules", "plan", RULES)[0], "a plan before anything is in force")
    out, _ = cli.run("data-officer", "rules", "propose", RULES, "--note", "首批")
    check("待审批" in out and "rules approve" in out, "proposed, and who goes on", out)
    cli.run("data-officer", "rules", "show", "insurance_participation", expect=3)
    _, error = cli.run("data-officer", "rules", "approve", "insurance_participation", "--version", "1", expect=4)
    check("不能审批自己" in error, "nobody approves his own rules", error)
    cli.run("civil-clerk", "rules", "approve", "insurance_participation", "--version", "1", expect=4)
    cli.run("data-approver", "rules", "reject", "insurance_participation", "--version", "1", "--reason", "缺少说明")
    cli.run("data-approver", "rules", "approve", "insurance_participation", "--version", "1", expect=5)
    cli.run("data-officer", "rules", "propose", RULES)
    _, error = cli.run("data-approver", "rules", "approve", "insurance_participation", "--version", "2", expect=5)
    check("未经试运行" in error and "rules dry-run --dataset insurance_participation" in error and "--untried" in error, "what nobody tried is not approved", error)
    out, _ = cli.run("data-approver", "rules", "approve", "insurance_participation", "--version", "2", "--untried", "首次启用，尚无数据")
    check("现行" in out and "首次启用，尚无数据" in out, "unless the approver says why; approved by another, in force at once", out)
    check("首次启用，尚无数据" in cli.run("data-officer", "rules", "history")[0], "which stands in its history")
    check(cli.run("data-officer", "rules", "show", "insurance_participation")[0] == text, "the rules as they were written")
    check("规则无变化" in cli.run("data-officer", "rules", "plan", RULES)[0], "no plan for the same rules")
    states = [v["state"] for v in cli.json("data-officer", "rules", "history")[0]["rule_sets"]]
    check(states == ["RULE_SET_STATE_IN_FORCE", "RULE_SET_STATE_REJECTED"], "every version is kept", states)
    out, _ = cli.run(None, "rules", "test", os.path.join(ROOT, "tests/rules/insurance_participation.ruletest"))
    check("0 处不符" in out, "rule tests run without a node", out)
    with open(os.path.join(ROOT, "tests/rules/insurance_participation.ruletest"), encoding="utf-8") as file:
        wrong = file.read().replace("expect: outside_area", "expect: returned", 1)
    with open(cli.path("wrong.ruletest"), "w", encoding="utf-8") as file:
        file.write(wrong)
    out, _ = cli.run(None, "rules", "test", "wrong.ruletest", expect=1)
    check("wrong.ruletest:" in out, "a rule test that fails names its line", out)
    out, _ = cli.run(None, "rules", "test", os.path.join(ROOT, "tests/rules"))
    check("0 处不符" in out, "a folder of rule tests runs", out)
    with open(cli.path("case.json"), "w", encoding="utf-8") as file:
        json.dump({"row_guid": "g1", "project_no": "P1", "org_code": "530102", "project_type": "承诺件",
                   "handle_user_name": "李雷"}, file)
    out, _ = cli.run(None, "rules", "explain", "case.json", "--rules",
                     os.path.join(ROOT, "schemas/rules/case_accept.530100.yaml"))
    check("✗ 办件类型为" in out and "办件类型 = 承诺件" in out and "✓ 归属地在 530100 昆明市 范围内（inDivision" in out and "结果：已回流" in out
          and "脱敏或改写的字段：经办人" in out and "李雷" not in out, "a decision is explained", out)
    out, _ = cli.run(None, "territory", "explain", "insurance_participation", "参保地区划=532823105", "insured_place=昆明市")
    check("530100" in out, "磨憨 is Kunming's, with the link that decided", out)


def start_source(cli, node):
    drops = cli.path("drops")
    os.makedirs(drops)
    with open(os.path.join(drops, "a.csv"), "w", encoding="gb18030") as file:
        file.write(HEADER + "".join(ROWS))
    cli.run("security-admin", "account", "put", "si-front", "--organisation", "state-si", "--role", "agent", "--new-token", "si-front.token")
    config = {"agent": "a", "node": {"address": f"127.0.0.1:{node.grpc}", "ca": node.pki.ca(), "token_file": "si-front.token", "server_name": "localhost"},
              "state_dir": cli.path("agent"), "plugins": os.path.join(BUILD, "lib"), "divisions": os.path.join(ROOT, "schemas/divisions"),
              "sources": [{"id": "si", "plugin": "file", "dataset": "insurance_participation", "batch_rows": 2,
                           "mapping": os.path.join(ROOT, "deploy/samples/mappings/insurance_participation.yaml"),
                           "options": {"path": drops, "pattern": "*.csv", "charset": "gb18030", "header": HEADER.strip().split(",")}}]}
    with open(cli.path("agent.yaml"), "w", encoding="utf-8") as file:
        json.dump(config, file, ensure_ascii=False)
    out, _ = cli.run("system-admin", "source", "check", "--agent", "agent.yaml", "--source", "si")
    check("参保地区划" in out and "530102199001011234" not in out, "five mapped rows, persons masked, before anything is registered", out)
    check(cli.json("system-admin", "source", "list") == [{}], "a check registers nothing")
    with open(os.path.join(drops, "b.csv"), "w", encoding="gb18030") as file:
        file.write(HEADER + BAD_ROW)
    found = cli.json("system-admin", "source", "check", "--agent", "agent.yaml", "--source", "si", "--rows", "9", expect=1)[0]
    check(any("error" in row for row in found["rows"]), "a row that cannot be mapped is a finding", found)
    public = subprocess.run([os.path.join(BUILD, "bin/huiliu-agent"), "key", "--config", cli.path("agent.yaml"), "--source", "si"],
                            capture_output=True, text=True, check=True).stdout.strip()
    cli.run("system-admin", "source", "put", "si", "--system", "sv-social-insurance", "--dataset", "insurance_participation", "--organisation", "state-si",
            "--receiver", "530100", "--public-key", public, "--expected-every", "24h")
    node.spawn([os.path.join(BUILD, "bin/huiliu-agent"), "run", "--config", cli.path("agent.yaml")], cli.path("agent.log"))
    for _ in range(300):
        lines = cli.json("data-officer", "audit", "balance")[0].get("lines", [])
        if sum(int(line["read"]) for line in lines) == 4:
            break
        time.sleep(0.1)
    out, _ = cli.run("data-officer", "audit", "balance")
    check([int(lines[0].get(k, 0)) for k in ("read", "returned", "outside_area", "quarantined")] == [4, 2, 1, 1], "four rows read, each counted once", out)
    return public


def read(cli):
    _, error = cli.run("civil-clerk", "get", "insurance_participation", "P1", "养老", "--purpose", PURPOSE, expect=4)
    check("未授权" in error, "no grant, no row", error)
    cli.run("security-admin", "grant", "put", "civil-si", "--organisation", "km-civil", "--dataset", "insurance_participation", "--purpose", PURPOSE,
            "--legal-basis", "政务数据共享条例", "--filter", 'division == "530102"', "--mask", "citizen_id=partial:6:4", "--mask", "name=keep", "--valid-to", "2099-12-31")
    row = cli.json("civil-clerk", "get", "insurance_participation", "P1", "养老", "--purpose", PURPOSE)[0]
    check(row["fields"]["citizen_id"] == "530102********1234" and row["fields"]["name"] == "张三", "masked as granted", row)
    cli.run("civil-clerk", "get", "insurance_participation", "P2", "养老", "--purpose", PURPOSE, expect=3)
    _, error = cli.run("civil-clerk", "get", "insurance_participation", "P1", "养老", expect=2)
    check(PURPOSE in error, "a purpose is asked for, and those granted are named", error)
    out, _ = cli.run("civil-clerk", "query", "insurance_participation", "--purpose", PURPOSE, "--column", "姓名", "--column", "status")
    check("张三" in out and "共 1 行" in out, "a query within the grant's rows", out)
    out, _ = cli.run("civil-clerk", "query", "insurance_participation", "--purpose", PURPOSE, "--plan")
    check("index on division" in out and "共 1 行" in out, "a county's grant walks the county's rows", out)
    out, _ = cli.run("civil-clerk", "query", "insurance_participation", "--purpose", PURPOSE, "--filter", 'division in ["530103", "530111"]', "--plan")
    check("index on division" in out and "共 0 行" in out, "a filter on the division uses its index", out)
    out, _ = cli.run("civil-clerk", "query", "insurance_participation", "--purpose", PURPOSE, "--filter", "int(name) > 0", expect=1)
    check("共 0 行" in out and "另有 1 行无法按条件判断" in out and "张三" not in out, "a filter that fails on rows says so, without a value", out)
    last = cli.json("civil-clerk", "query", "insurance_participation", "--purpose", PURPOSE, "--filter", "int(name) > 0", expect=1)[-1]
    check(int(last["not_evaluated"]) == 1 and "type conversion" in last["not_evaluated_reason"], "in JSON, too", last)
    lines = cli.json("civil-clerk", "subscribe", "insurance_participation", "--purpose", PURPOSE)
    check(sum("row" in line for line in lines) == 1 and "cursor" in lines[-1], "a subscription: snapshot and cursor", lines)
    cursor = lines[-1]["cursor"]
    bare = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    check(b"P1" not in bare and b"insurance" not in bare, "a cursor shows nothing of where it stands")
    after = cli.json("civil-clerk", "subscribe", "insurance_participation", "--purpose", PURPOSE, "--cursor", lines[-1]["cursor"])
    check(not any("row" in line for line in after), "from the cursor on, nothing twice", after)
    starts = lines[-1]["next_offsets"]
    check(starts and all(isinstance(offset, int) for offset in starts.values()), "and the log's offsets behind it", lines[-1])
    again = cli.json("civil-clerk", "subscribe", "insurance_participation", "--purpose", PURPOSE, "--from-offset", "0:0")
    check(sum("row" in line for line in again) == 1 and not any(line.get("snapshot_complete") for line in again), "from an offset: every change that the log holds, through the grant", again)
    _, error = cli.run("civil-clerk", "subscribe", "insurance_participation", "--purpose", PURPOSE, "--from-offset", "0:123456", expect=2)
    check("123456" in error, "an offset that the log does not hold is named", error)
    _, error = cli.run("civil-clerk", "subscribe", "insurance_participation", "--purpose", PURPOSE, "--from-offset", "newest", expect=2)
    check("分区:位置" in error, "what an offset looks like is said", error)
    moved(cli, lines[-1]["cursor"])
    cli.run("security-admin", "grant", "revoke", "civil-si", "--reason", "到期前收回")
    cli.run("civil-clerk", "get", "insurance_participation", "P1", "养老", "--purpose", PURPOSE, expect=4)
    check("已收回" in cli.run("security-admin", "grant", "list", "--revoked")[0], "revoked: the next read is refused")


def moved(cli, cursor):
    """P1 moves out of the grant's rows, P2 was never among them, P4 comes into them."""
    with open(cli.path("drops/c.csv"), "w", encoding="gb18030") as file:
        file.write(HEADER + "P1,530102199001011234,张三,530103,昆明市盘龙区,,养老,参保,2020-01-01,U,2026-02-01 00:00:01\n"
                   "P2,530103199001011232,李四,530103,昆明市盘龙区,,养老,参保,2020-01-01,U,2026-02-01 00:00:02\n"
                   "P4,530102199001011234,赵六,530102,昆明市五华区,,养老,参保,2020-01-01,U,2026-02-01 00:00:03\n")
    for _ in range(300):
        if sum(int(line["read"]) for line in cli.json("data-officer", "audit", "balance")[0]["lines"]) == 7:
            break
        time.sleep(0.1)
    lines = cli.json("civil-clerk", "subscribe", "insurance_participation", "--purpose", PURPOSE, "--cursor", cursor)
    deletes = [base64.b64decode(line["row"]["key"]) for line in lines if line.get("delete")]
    rows = [line["row"]["fields"]["person_number"] for line in lines if "row" in line and not line.get("delete")]
    check(len(deletes) == 1 and b"P1" in deletes[0] and rows == ["P4"], "of a row that leaves the filter one is told, of one that was never shown nothing", lines)


def deleted(cli):
    with open(cli.path("drops/d.csv"), "w", encoding="gb18030") as file:
        file.write(HEADER + "P4,530102199001011234,赵六,530102,昆明市五华区,,养老,参保,2020-01-01,D,2026-03-01 00:00:01\n")
    for _ in range(300):
        trace = cli.json("audit-admin", "audit", "record", "insurance_participation", "P4", "养老")[0]
        if not trace.get("found") and len(trace["hops"]) == 4:
            break
        time.sleep(0.1)
    steps = [hop["entry"]["step"] for hop in trace["hops"]]
    check(steps == ["STEP_INTAKE", "STEP_APPLY"] * 2 and trace["envelope"]["operation"] == "OPERATION_DELETE", "a deleted row's way, from the log", trace)
    out, _ = cli.run("audit-admin", "audit", "record", "insurance_participation", "P4", "养老")
    check("现在没有" in out and "撤回" in out and "civil-clerk" in out and "✗" not in out, "and who had seen it", out)


def malformed(cli, node):
    """gRPC with bytes that are no message: an error with words, by any client."""
    with open(cli.path("frame"), "wb") as file:
        file.write(b"\0\0\0\0\x04\xff\xff\xff\xff")
    answer = subprocess.run(["curl", "-sS", "--http2", "--cacert", node.pki.ca(), "-D", "-", "-o", "/dev/null", "-H", "content-type: application/grpc", "-H", "te: trailers",
                             "--data-binary", "@" + cli.path("frame"), f"https://localhost:{node.grpc}/huiliu.v1.Catalog/Get"], capture_output=True, text=True).stdout
    check("grpc-status: 3" in answer and "huiliu.v1.Catalog/Get" in answer, "bytes that are no message are an invalid argument", answer)


def audit(cli, source_key):
    out, _ = cli.run("audit-admin", "audit", "record", "insurance_participation", "P1", "养老")
    check("sv-social-insurance" in out and "civil-clerk" in out and "✗" not in out and "✓" in out, "where a record came from and who has seen it, with proofs", out)
    verified = cli.json("audit-admin", "audit", "record", "insurance_participation", "P1", "养老")[0]["verified"]
    check(verified["checkpoint"] == verified["record"] == "proven" and "proven" in verified["hops"].values() and not any("failed" in str(v) for v in verified.values()), "in JSON, too", verified)
    with open(cli.path("cli.yaml"), encoding="utf-8") as file:
        config = file.read()
    with open(cli.path("cli.yaml"), "w", encoding="utf-8") as file:
        file.write(config + "audit_key: '" + "00" * 32 + "'\n")
    other = cli.json("audit-admin", "audit", "record", "insurance_participation", "P1", "养老", expect=1)[0]["verified"]
    with open(cli.path("cli.yaml"), "w", encoding="utf-8") as file:
        file.write(config)
    check("failed" in other["checkpoint"] and other["key_known"], "another key than the log's is found, and the exit code says so", other)
    check("回流库" in out and "接收" in out, "its taking over and the catalog's write are both on its way", out)
    deleted(cli)
    cli.run("audit-admin", "audit", "record", "insurance_participation", "P9", "养老", expect=3)
    cli.run("civil-clerk", "audit", "record", "insurance_participation", "P1", "养老", expect=4)
    key = cli.run("audit-admin", "audit", "checkpoint", "--save", "known.json")[0].split()[-1]
    cli.run("audit-admin", "audit", "checkpoint", "--known", "known.json")
    cli.run("audit-admin", "audit", "export", "log.export")
    report = cli.json(None, "audit", "verify", "log.export", "--public-key", key, "--known", "known.json", "--source-key", f"si={source_key}")[0]
    check(report["ok"] and report["batch_signatures"] >= 2, "an exported log verifies offline, batch signatures too", report)
    cli.run("audit-admin", "audit", "export", "tail.export", "--from", "7")
    with open(os.path.join(cli.folder, "source.keys"), "w", encoding="utf-8") as file:
        file.write(f"# whose batches\nsi={source_key}\n")
    listed = cli.json(None, "audit", "verify", "log.export", "--public-key", key, "--source-keys", "source.keys")[0]
    check(listed["batch_signatures"] == report["batch_signatures"], "keys may stand in a file")
    check(cli.json(None, "audit", "verify", "tail.export", "--public-key", key)[0]["first_index"] == 7, "an export may begin anywhere")
    with open(cli.path("log.export"), "rb") as file:
        bytes_ = bytearray(file.read())
    bytes_[len(bytes_) // 2] ^= 1
    with open(cli.path("forged.export"), "wb") as file:
        file.write(bytes_)
    out, _ = cli.run(None, "audit", "verify", "forged.export", "--public-key", key, expect=1)
    check("核验不通过" in out, "one changed bit is found", out)
    cli.run(None, "audit", "verify", "log.export", "--public-key", "00" * 32, expect=1)


def new_rules(cli):
    """A running agent takes the rules that come into force meanwhile, not before."""
    with open(RULES, encoding="utf-8") as file:
        text = file.read()
    stopped = "  - id: stopped\n    title: 停保记录不回流\n    when: status == '停保'\n    withhold: 测试\n    legal_basis: 测试\n\n"
    with open(cli.path("new.530100.yaml"), "w", encoding="utf-8") as file:
        file.write(text.replace("  - id: own_area", stopped + "  - id: own_area"))
    plan, _ = cli.run("data-officer", "rules", "plan", "new.530100.yaml")
    check("+ stopped" in plan and "own_area" not in plan, "a plan names what changes, and nothing else", plan)
    cli.run("data-officer", "rules", "propose", "new.530100.yaml", "--note", "停保不回流")

    def counts():
        lines = cli.json("data-officer", "audit", "balance")[0]["lines"]
        return sum(int(line["read"]) for line in lines), sum(int(line.get("withheld", 0)) for line in lines)

    def drop(n):
        before = counts()[0]
        with open(cli.path(f"drops/n{n:02d}.csv"), "w", encoding="gb18030") as file:
            file.write(HEADER + f"Q{n},53010219900101{n:04d},钱七,530102,昆明市五华区,,养老,停保,2020-01-01,U,2026-04-01 00:00:{n % 60:02d}\n")
        for _ in range(2000):
            if counts()[0] > before:
                return
            time.sleep(0.05)
        sys.exit("FAILED: a dropped row is not read")

    drop(1)
    check(counts()[1] == 0, "what is proposed decides nothing")
    cli.run("data-approver", "rules", "approve", "insurance_participation", "--version", "3", "--from", "2099-01-01", "--untried", "e2e")
    cli.run("data-approver", "rules", "reject", "insurance_participation", "--version", "3", "--reason", "改为立即生效")
    cli.run("data-officer", "rules", "propose", "new.530100.yaml")
    cli.run("data-approver", "rules", "approve", "insurance_participation", "--version", "4", "--untried", "e2e")
    for n in range(2, 60):
        drop(n)
        if counts()[1] > 0:
            break
        time.sleep(0.5)
    check(counts()[1] > 0, "the running agent judges by the rules that are in force now")


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        node = Node(BUILD, folder, Pki(os.path.join(folder, "pki")))
        try:
            node.start()
            cli = Cli(folder, node)
            _, error = cli.run(None, "--node", "localhost:1", "whoami", expect=6)
            check("无法连接" in error, "a node that is not there", error)
            set_up(cli)
            check_rules(cli)
            public = start_source(cli, node)
            read(cli)
            malformed(cli, node)
            audit(cli, public)
            new_rules(cli)
        finally:
            node.stop()
    print("the command line: passed")


main()
