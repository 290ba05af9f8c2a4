"""The main job: three approval systems, one screen that fills with live figures."""
import json
import os
import sys
import time

import approvals
import figures
import registry_data
import screen
from demo_purpose import PURPOSE
from generate import World
from next_commands import NextCommands
from node import ROOT, Refused

DATASETS = ["insurance_participation", "employment", *(dataset for _, dataset, *_ in approvals.SOURCES)]


def mapping(name):
    return os.path.join(ROOT, "deploy/samples/mappings", name + ".yaml")


def start_sources(demo):
    """Each providing department's agent, with its system in its native form."""
    world = World(demo.options.seed)
    drops = os.path.join(demo.state, "state-level-drops")
    register = os.path.join(demo.state, "employment-register")
    if not os.path.exists(drops):
        world.insurance(drops)
        world.employment(register)
        demo.cluster.psql("province_approval", approvals.Approvals(world).sql())
    file_source = {"plugin": "file", "_system": "", "batch_rows": 1000}
    insurance_header = "个人编号,身份证号,姓名,参保地区划,参保地,单位统一社会信用代码,险种,参保状态,参保日期,操作,更新时间".split(",")
    employment_header = "id_card,name,employer_uscc,employer_name,work_division,work_address,start_date,end_date,status,op,updated_at".split(",")
    table = lambda name, key, at: {"dsn": demo.cluster.dsn("province_approval"), "table": name, "key": [key], "time_column": at, "overlap_s": 60, "poll_interval_ms": 300}  # noqa: E731
    agents = {
        "state-si": [{**file_source, "id": "si-participation", "_system": "sv-social-insurance", "dataset": "insurance_participation", "mapping": mapping("insurance_participation"),
                      "options": {"path": drops, "pattern": "*.csv", "charset": "gb18030", "header": insurance_header}}],
        "yn-approval": [
            {"id": source, "plugin": "postgresql", "_system": "pr-approval", "dataset": dataset, "mapping": mapping(dataset),
             "options": table("public." + name, key, at)} for name, dataset, source, key, at in approvals.SOURCES],
        "km-employment": [{**file_source, "id": "employment-register", "_system": "mu-employment", "dataset": "employment", "mapping": mapping("employment"),
                           "options": {"path": register, "pattern": "*.jsonl", "format": "jsonl", "header": employment_header}}],
    }
    workers = []
    for organisation, sources in agents.items():
        folder = demo.node.start_agent(organisation, sources=sources)
        workers += [(folder, source["id"]) for source in sources]
    return workers


def register_debtor(demo):
    """A system that is registered and has never delivered."""
    demo.node.register_source("owing-results", "pr-003", "case_result", "yn-market", "00" * 32, expected_every="2s")


def enter_case(demo):
    """One case at a 五华 counter, and the seconds until it stood in the bureau's own table; once for a state."""
    kept = os.path.join(demo.state, "case.json")
    if os.path.exists(kept):
        with open(kept, encoding="utf-8") as file:
            return [*json.load(file), True]
    number = f"530102-DEMO-{int(time.time())}"
    demo.cluster.psql("province_approval", f"""INSERT INTO up_pro_accept (row_guid, project_no, task_name, applyer_name, applyer_page_code, org_name, org_code, cd_operation, cd_time, accept_date)
        VALUES ('{number}', '{number}', '社会保险登记', '张三', '530102199001011234', '五华区政务服务中心', '530102001', 'I', now(), now())""")
    started, seconds = time.time(), None
    while seconds is None and time.time() - started < 30:
        if demo.cluster.psql("hrss_bureau", f"SELECT 1 FROM case_accept WHERE project_no = '{number}'", check=False) == "1":
            seconds = time.time() - started
        else:
            time.sleep(0.02)
    with open(kept, "w", encoding="utf-8") as file:
        json.dump([number, seconds], file)
    return number, seconds, False


def lookup(demo, account, purpose=None):
    """A lookup with a grant, or without one."""
    person = demo.cluster.psql("hrss_bureau", "SELECT person_number || '|' || insurance_type FROM insurance_participation ORDER BY 1 LIMIT 1").split("|")
    context = {"receiver": "530100", "dataset": "insurance_participation", "purpose": purpose or PURPOSE}
    try:
        return person, demo.node.call(account, "Catalog/Get", context=context, key={"values": person})
    except Refused as refused:
        return person, refused


def compared(demo):
    """Insured, employed, employed without an insurance that is or may be current, insured who cannot be compared."""
    sql = """WITH insured AS (SELECT * FROM insurance_participation WHERE coalesce(status, '参保') = '参保'), employed AS (SELECT * FROM employment WHERE status = '在职')
        SELECT (SELECT count(DISTINCT person_number) FROM insured WHERE status = '参保'), (SELECT count(DISTINCT id_card) FROM employed),
          (SELECT count(DISTINCT id_card) FROM employed e WHERE NOT EXISTS (SELECT 1 FROM insured i WHERE i.citizen_id = e.id_card)),
          (SELECT count(DISTINCT person_number) FROM insured WHERE citizen_id LIKE '%****%')"""
    answer = demo.cluster.psql("hrss_bureau", sql, check=False)
    return [int(n) for n in answer.split("|")] if answer else [0, 0, 0, 0]


def look(demo, total, landed):
    systems = registry_data.all_systems(demo.node)
    view = {"total": total, "landed": landed, "compared": compared(demo), "systems": {}, "owing": [s["id"] for s in systems if s.get("owes")]}
    for tier in ("TIER_STATE_VERTICAL", "TIER_PROVINCIAL", "TIER_MUNICIPAL"):
        of_tier = [s for s in systems if s["tier"] == tier]
        view["systems"][tier] = (sum(1 for s in of_tier if s.get("connected")), len(of_tier))
    view["titles"] = {s["id"]: s["title"] for s in systems}
    return view


def run(demo):
    show = screen.Screen(demo.options.lang, sys.stderr)
    show.starting()
    demo.start()
    before = figures.balance(demo.node)["read"]
    register_debtor(demo)
    workers = start_sources(demo)
    demo.land(DATASETS)
    demo.say = show.notice
    total = demo.wait(workers, before, lambda total, landed: show.draw(look(demo, total, landed)))
    outcome = {}
    outcome["case"], outcome["seconds"], outcome["earlier"] = enter_case(demo)
    outcome["allowed"] = lookup(demo, "hrss-clerk")
    outcome["refused"] = lookup(demo, "tax-clerk")
    time.sleep(1)
    total = figures.balance(demo.node)
    demo.landed = figures.landed(demo.cluster, demo.datasets)
    view = {**look(demo, total, demo.landed), **outcome}
    if not demo.options.once:
        commands = NextCommands(demo)
        commands.psql("psql", f"-x -c \"SELECT * FROM case_accept WHERE project_no = '{view['case']}'\"")
        commands.lookup(view["allowed"][0])
        commands.audit("insurance_participation", view["allowed"][0])
        show.next_commands(commands)
    show.draw(view, final=True)
    demo.show, demo.outcome = show, outcome
    return demo.result(total, before)


def keep_running(demo):
    """The picture goes on living until Ctrl-C."""
    while True:
        time.sleep(1)
        if demo.node.keep_up():
            demo.say("节点曾中止，已重新启动 / the node had ended and was started again")
        try:
            total = figures.balance(demo.node)
            landed = figures.landed(demo.cluster, demo.datasets)
            demo.show.draw({**look(demo, total, landed), **demo.outcome})
        except OSError:
            continue  # the node has ended between the two: it is started again
