#!/usr/bin/env python3
"""The main job of Huiliu on one machine: approval systems, the node, a bureau's own database. Run it by ./dev demo."""
import argparse
import atexit
import json
import os
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import arguments  # noqa: E402
import figures  # noqa: E402
import main_job  # noqa: E402
import registry_data  # noqa: E402
import screen  # noqa: E402
from cluster import Cluster  # noqa: E402
from demo_purpose import PURPOSE  # noqa: E402
from kafka import Kafka  # noqa: E402
from next_commands import NextCommands  # noqa: E402
from node import ROOT, Node  # noqa: E402
from pki import Pki  # noqa: E402

REGISTRY_HEADER = ["企业名称", "统一社会信用代码", "注册日期", "企业类型", "法人代表", "注册资金", "经营范围", "所在省份", "地区", "注册地址"]


def say(*words):
    print(*words, file=sys.stderr, flush=True)


class Demo:
    def __init__(self, options):
        self.options = options
        self.started = time.time()
        self.state = os.path.abspath(options.state) if options.state else tempfile.mkdtemp(prefix="huiliu-demo-")
        os.makedirs(self.state, exist_ok=True)
        os.chmod(self.state, 0o755)  # the database's own user looks for its folder in here
        atexit.register(self.stop)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.end)
        self.cluster = Cluster(os.path.join(self.state, "postgresql"), os.path.join(self.state, "postgresql.log"))
        self.node = Node(options.build, self.state, Pki(os.path.join(self.state, "pki")))
        self.kafka = Kafka(options.build, os.path.join(self.state, "kafka")) if options.kafka else None

    def end(self, number, _frame):
        self.ignore_signals()
        if number == signal.SIGHUP:  # the terminal is gone: nothing may be written to it
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
        sys.exit(130)

    @staticmethod
    def ignore_signals():
        """Whoever is impatient must not leave a database running and keys lying about."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    def stop(self):
        self.ignore_signals()
        self.node.stop()
        self.cluster.stop()
        if self.kafka:
            self.kafka.stop()
        if not self.options.state:
            shutil.rmtree(self.state, ignore_errors=True)

    def start(self):
        self.cluster.start()
        for database in ("province_approval", "hrss_bureau"):
            if self.cluster.psql("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{database}'") != "1":
                self.cluster.psql("postgres", f"CREATE DATABASE {database}")
        if self.kafka:
            self.kafka.start()
            self.node.backbone = self.kafka.node_lines()
        self.node.start()
        registry_data.register_contracts(self.node)
        registry_data.register_systems(self.node)
        self.node.tell_auditor()

    def landing(self, dataset):
        return {"id": f"land-{dataset}", "plugin": "postgresql", "receiver": "530100", "dataset": dataset, "purpose": PURPOSE,
                "options": {"dsn": self.cluster.dsn("hrss_bureau"), "table": dataset}, "batch_rows": 2000}

    def land(self, datasets):
        for dataset in datasets:
            masks = {f["name"]: {"keep": True} for f in self.node.call("system-admin", "Registry/GetDataset", id=dataset)["dataset"]["fields"] if f.get("personal")}
            registry_data.grant(self.node, "km-hrss", dataset, PURPOSE, masks)
        self.bureau = self.node.start_agent("km-hrss", landings=[self.landing(d) for d in datasets])
        self.datasets = datasets

    def wait(self, folders, total_before, progress):
        """Until every source has given all it has and the bureau's database holds what the catalog holds."""
        noticed = set()
        quiet = 0
        while quiet < 3:
            time.sleep(0.3)
            caught_up = True
            for folder, worker in folders:
                status = figures.status(folder, worker)
                caught_up = caught_up and status["caught_up"]
                for notice in status["notices"]:
                    if notice not in noticed:
                        noticed.add(notice)
                        self.say(notice)
                if status["state"] == "stopped" and status["error"]:
                    raise SystemExit(f"{worker}: {status['error']} (log: {folder}/agent.log)")
            for dataset in self.datasets:
                status = figures.status(self.bureau, f"land-{dataset}")
                if status["state"] == "stopped" and status["error"]:
                    raise SystemExit(f"land-{dataset}: {status['error']} (log: {self.bureau}/agent.log)")
            total = figures.balance(self.node)
            rows = {d["dataset"]: int(d.get("rows", 0)) for d in self.node.call("system-admin", "Catalog/Stats", receiver="530100").get("datasets", [])}
            self.landed = figures.landed(self.cluster, self.datasets)
            progress(total, self.landed)
            done = caught_up and self.landed == sum(rows.get(d, 0) for d in self.datasets)
            quiet = quiet + 1 if done and total == self.last else 0
            self.last = total
        return total

    last = None
    landed = 0

    @staticmethod
    def say(notice):
        say("!", notice)

    def result(self, total, before):
        return {"read": total["read"], **{o: total[o] for o in figures.OUTCOMES}, "conflicts": total["conflicts"], "by_county": total["by_county"],
                "by_system": total["by_system"], "landed": self.landed, "added": total["read"] - before, "seconds": round(time.time() - self.started, 1)}


def name_unread(folder):
    """Files in --data that are no CSV files of the registry at first sight; SystemExit where there are no others."""
    names = sorted(os.listdir(folder))
    read = [name for name in names if name.endswith(".csv") and os.path.getsize(os.path.join(folder, name)) > 0]
    for name in names:
        if name not in read and os.path.isfile(os.path.join(folder, name)):
            say(f"! {name}：" + ("空文件，未读取 / empty, not read" if name.endswith(".csv") else "不是 *.csv，未读取 / not *.csv, not read"))
    if not read:
        say(f"! {folder}：没有可读取的 *.csv / no *.csv to read")


def run_data(demo):
    """--data: a folder of enterprise-registry CSV files."""
    options = demo.options
    folder = os.path.abspath(options.data)
    name_unread(folder)
    say(screen.TEXT[options.lang]["starting"])
    demo.start()
    before = figures.balance(demo.node)["read"]
    source = {"id": "yn-enterprise-registry", "_system": "pr-enterprise-registry", "plugin": "file", "dataset": "enterprise_registration",
              "mapping": os.path.join(ROOT, "deploy/samples/mappings/enterprise_registration.yaml"),
              "options": {"path": folder, "pattern": "*.csv", "format": "csv", "charset": options.charset, "header": REGISTRY_HEADER, "follow": not options.once}}
    agent = demo.node.start_agent("yn-market", sources=[source])
    demo.land(["enterprise_registration"])

    def progress(total, landed):
        say(f"读取 {total['read']:>7}  已回流 {total['returned']:>7}  域外 {total['outside_area']:>7}  问题数据 {total['quarantined']:>4}  "
            f"待认领 {total['pending']:>4}  证据不一致 {total['conflicts']:>4}  落地 {landed:>7}")

    total = demo.wait([(agent, source["id"])], before, progress)
    demo.progress = progress
    return demo.result(total, before)


def keep_data(demo):
    """Files that are dropped into the folder go on arriving until Ctrl-C."""
    t, node = screen.TEXT[demo.options.lang], demo.node
    key = demo.cluster.psql("hrss_bureau", "SELECT uscc FROM enterprise_registration ORDER BY 1 LIMIT 1", check=False)
    commands = NextCommands(demo)
    commands.psql("counties", "-c 'SELECT _division, count(*) FROM enterprise_registration GROUP BY 1 ORDER BY 1'")
    commands.audit("enterprise_registration", [key])
    say("\n" + "\n".join(commands.lines(t) + [t["running"]]))
    while True:
        time.sleep(1)
        if node.keep_up():
            demo.say("节点曾中止，已重新启动 / the node had ended and was started again")
        total, landed = figures.balance(node), figures.landed(demo.cluster, demo.datasets)
        if (total, landed) != (demo.last, demo.landed):
            demo.last, demo.landed = total, landed
            demo.progress(total, landed)


def main():
    parser = arguments.Parser(prog="./dev demo")
    parser.add_argument("--build", default="build", help=argparse.SUPPRESS)
    parser.add_argument("--once", action="store_true", help="end instead of running until Ctrl-C")
    parser.add_argument("--kafka", action="store_true", help="on Apache Kafka instead of the embedded backbone")
    parser.add_argument("--data", metavar="DIR", help="feed a folder of enterprise-registry CSV files instead")
    parser.add_argument("--charset", default="utf-8", type=str.lower, choices=["utf-8", "gbk", "gb18030", "auto"], help="of the CSV files")
    parser.add_argument("--state", metavar="DIR", help="keep the state there and go on from it")
    parser.add_argument("--lang", choices=["zh", "en"], default="zh")
    parser.add_argument("--output", choices=["text", "json"], default="text")
    parser.add_argument("--seed", type=int, default=809, help="of the generated data")
    options = parser.parse_args()
    if options.charset != "utf-8" and not options.data:
        parser.error("--charset 只用于 --data 的文件 / --charset is of the files in --data")
    if not os.path.exists(os.path.join(options.build, "bin/huiliud")):
        parser.error(f"{options.build}: 未找到构建结果，请先运行 ./dev build / no build: ./dev build makes one")
    if options.data and not os.path.isdir(options.data):
        parser.error(f"--data {options.data}: 目录不存在 / no such folder")
    if options.state and os.path.exists(options.state) and not os.path.isdir(options.state):
        parser.error(f"--state {options.state}: 不是目录 / no folder")
    try:
        demo = Demo(options)
    except OSError as error:
        parser.error(f"--state {options.state}: 无法读写 / {error.strerror}")
    if options.data:
        result = run_data(demo)
    else:
        result = main_job.run(demo)
    if options.output == "json":
        print(json.dumps(result, ensure_ascii=False), flush=True)
    elif options.data:
        print(json.dumps(result, ensure_ascii=False, indent=1), flush=True)
    if options.once:
        return
    if options.data:
        keep_data(demo)
    else:
        main_job.keep_running(demo)


if __name__ == "__main__":
    main()
