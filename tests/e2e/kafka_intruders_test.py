#!/usr/bin/env python3
"""What others do to our Kafka stops nothing and is said: brokers that come up after the node, two nodes that do not know of each other, messages that none of
ours wrote, a topic that is deleted, brokers that go away, a broker's disk that is full. kafka_intruders_test.py BUILD; HUILIU_SEED replays the rows."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from several_nodes import ROOT, Brokers, Node, Refused, check  # noqa: E402
from hub import DATASET, PREFECTURES, Hub, Rows  # noqa: E402
from pki import Pki  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
SEED = int(os.environ.get("HUILIU_SEED", time.time_ns() % 10**9))
BACKLOG, GROWTH_MIB = 30_000, 12  # rows, of which an agent without bounds would hold 20 MiB and more
RETURNED, SOURCE = f"huiliu.returned.530100.{DATASET}", f"huiliu.source.{DATASET}"
WAIT = 240


def health(node, port=None):
    """Status and text of /healthz; 0 where nobody listens."""
    try:
        with urllib.request.urlopen(f"https://127.0.0.1:{port or node.http}/healthz", context=node.tls, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def await_health(node, holds, what, port=None):
    deadline, seen = time.time() + WAIT, None
    while time.time() < deadline:
        seen = health(node, port)
        if holds(*seen):
            check(True, what)
            return seen[1]
        time.sleep(0.2)
    sys.exit(f"FAILED: {what}: {seen}")


def log_of(node):
    with open(node.log, encoding="utf-8", errors="replace") as file:
        return file.read()


def launch(node):
    node.write_config()
    node.write_profiles()
    node.process = node.spawn([os.path.join(BUILD, "bin/huiliud"), "--config", os.path.join(node.state, "node.yaml")], node.log)


def lone_nodes(folder, brokers, pki):
    """Without `cluster`: it waits for brokers, and of two on one prefix the newer goes on."""
    nodes = []
    for name in ("older", "newer"):
        state = os.path.join(folder, name)
        os.makedirs(state)
        nodes.append(Node(BUILD, state, pki))
        nodes[-1].backbone = brokers.lines().replace("replication:", 'prefix: "lone.", replication:')
    older, newer = nodes
    newer.tokens = older.tokens
    try:
        one_prefix(brokers, older, newer)
        for node in nodes:
            node.process.terminate()
            check(node.process.wait(timeout=60) == 0, "it ends when told to")
    finally:
        for node in nodes:
            node.stop()


def one_prefix(brokers, older, newer):
    brokers.run("kill", "1")
    launch(older)
    text = await_health(older, lambda code, text: code == 503 and "waiting for Kafka" in text, "a node that is up before its brokers says so in /healthz")
    check("等待" in text and brokers.bootstrap in text, "in both languages, with their address", text)
    check(older.process.poll() is None and "waiting for Kafka" in log_of(older), "and in the log, and does not end", log_of(older)[-2000:])
    brokers.run("start", "1")
    await_health(older, lambda code, _: code == 200, "it goes on when they are there, without a restart")
    older.call("system-admin", "Registry/PutOrganisation", organisation={"id": "first", "title": "甲局"})
    launch(newer)
    await_health(newer, lambda code, _: code == 200, "a second node without cluster starts on the same prefix")
    try:
        older.call("system-admin", "Registry/PutOrganisation", organisation={"id": "split", "title": "乙局"})
        sys.exit("FAILED: both nodes take commands")
    except Refused as refused:
        check(refused.code == "aborted" and "another huiliud has taken the prefix" in str(refused) and "已接管" in str(refused),
              "the older one takes no command any more and says why", refused)
    await_health(older, lambda code, text: code == 503 and "another huiliud has taken the prefix" in text, "and so does its /healthz")
    known = {o["id"] for o in newer.call("system-admin", "Registry/ListOrganisations", page_size=1000)["organisations"]}
    check("first" in known and "split" not in known, "the newer one has all that the older one was told, and nothing else", known)


def proven(hub, rows):
    """The proof of a record is made from the append that it came with, wherever in it the record stands."""
    for number in sorted(rows.held["530100"])[:5]:
        done = subprocess.run([os.path.join(BUILD, "bin/huiliu"), "--config", hub.profile("audit-admin"), "audit", "record", DATASET, number, "养老",
                               "--receiver", "530100", "--output", "json"], capture_output=True, text=True, timeout=WAIT)
        check(done.returncode == 0 and json.loads(done.stdout)["verified"]["record"] == "proven", "a record on Kafka is proven", done.stdout + done.stderr)


def kcat(brokers, topic, *options, given=b""):
    done = subprocess.run(["kcat", "-b", brokers.bootstrap, "-t", topic, *options], input=given, capture_output=True, timeout=60)
    check(done.returncode == 0, f"kcat {options[0]} {topic}", done.stderr.decode()[-500:])
    return done.stdout


def intrude(brokers):
    """As somebody with a producer and no ACL in his way."""
    framed = b"\0\0\x0f\xff\xff\0\x0a\x03abc"
    path = os.path.join(brokers.folder, "framed")
    with open(path, "wb") as file:
        file.write(framed)
    for topic in ("huiliu.control", RETURNED, SOURCE, "huiliu.quarantine", "huiliu.members", "huiliu.lineage"):
        kcat(brokers, topic, "-P", "-k", "zz", given=b"garbage\nhello world\n")
    kcat(brokers, RETURNED, "-P", "-k", "framed", path)
    # Under keys of ours and others, in what is read at each start and takeover.
    for topic, key in (("huiliu._writers", "node/n0"), ("huiliu._positions", "p/return/1"), ("huiliu._positions", "p/source/hub"), ("huiliu._positions", "w/node/n0"),
                       (f"huiliu.decisions.{DATASET}", "zz")):
        kcat(brokers, topic, "-P", "-k", key, given=b"garbage\nhello world\n")
    for partition in range(8):
        kcat(brokers, "huiliu._positions", "-P", "-p", str(partition), "-k", "p/source/hub", given=b"garbage\n")
    # A header that promises more than will ever come.
    kcat(brokers, SOURCE, "-P", "-k", "k", "-H", "batch=2000000000", given=b"hello world\n")
    # An envelope that names a source nobody registered.
    invented = envelope(source="invented", system="sv-social-insurance")
    kcat(brokers, SOURCE, "-P", "-k", "k", "-H", b"envelope=" + invented, given=b"hello world\n")
    kcat(brokers, RETURNED, "-P", "-k", "k", "-H", b"envelope=" + invented, given=b"hello world\n")


def envelope(**texts):
    """Bytes of huiliu.v1.Envelope with these fields; their numbers stand in its .proto."""
    with open(os.path.join(ROOT, "proto/huiliu/v1/common.proto"), encoding="utf-8") as file:
        body = re.search(r"message Envelope \{(.*?)\n\}", file.read(), re.S).group(1)
    out = b""
    for name, value in texts.items():
        number = int(re.search(rf"\bstring {name} = (\d+);", body).group(1))
        tag = number << 3 | 2
        out += (bytes([tag]) if tag < 128 else bytes([tag & 127 | 128, tag >> 7])) + bytes([len(value)]) + value.encode()
    return out


def delete_topic(brokers, topic):
    jars = os.path.join(BUILD, "kafka")
    newest = max((os.path.join(jars, n) for n in os.listdir(jars) if os.path.isdir(os.path.join(jars, n))), key=os.path.getmtime)
    done = subprocess.run(["java", "-cp", os.path.join(newest, "*"), "org.apache.kafka.tools.TopicCommand", "--bootstrap-server", brokers.bootstrap, "--delete",
                           "--topic", topic], capture_output=True, text=True, timeout=120)
    check(done.returncode == 0, f"{topic} is deleted", done.stdout + done.stderr)


def settle(hub, rows, what):
    hub.await_that(lambda: all(hub.held(r) == rows.held[r] for r in PREFECTURES), what)
    hub.await_that(lambda: all(hub.counts(r)["read"] == rows.written for r in PREFECTURES), "and every row is counted for each receiver")


def healths(hub):
    return "\n".join(health(hub, http)[1] for _, http in hub.ports)


def logs(hub):
    out = ""
    for i in range(len(hub.ports)):
        with open(hub.log_of(i), encoding="utf-8", errors="replace") as file:
            out += file.read()
    return out


def foreign_messages(hub, brokers, rows, drops):
    intrude(brokers)
    rows.write(drops, "after-intruders", 300)
    settle(hub, rows, "queries and judging go on over messages of others")
    for i, (_, http) in enumerate(hub.ports):
        text = await_health(hub, lambda code, text: code == 200 and "topic control holds 2 messages" in text, f"n{i}'s /healthz stays 200 and names control", http)
        check("garbage" not in text and "hello" not in text, "but nothing of what stands in them", text)
    hub.await_that(lambda: f"topic returned.530100.{DATASET} holds 4 messages" in healths(hub), "returned.* is named, with the number of messages")
    hub.await_that(lambda: f"topic source.{DATASET} holds 4 messages" in healths(hub), "and source.*")
    hub.await_that(lambda: "topic quarantine holds 2 messages" in healths(hub), "and quarantine")
    counted = "\n".join(hub.on(i).metrics() for i in range(len(hub.ports)))
    check('huiliu_foreign_messages_total{topic="control"} 2' in counted, "and /metrics counts them", counted[-1500:])
    kept = kcat(brokers, RETURNED, "-C", "-q", "-e", "-o", "beginning", "-f", "%k\\n").split()
    check(kept.count(b"zz") >= 1, "they are kept where they are")
    for i in range(len(hub.ports)):
        hub.kill(i)
        shutil.rmtree(os.path.join(hub.state, f"n{i}", "decisions"), ignore_errors=True)  # it reads them again from the topics
        hub.run_huiliud(i)
        hub.await_ready(i)
        rows.write(drops, f"after-kill-{i}", 300)
        settle(hub, rows, "a killed node comes back over them, and its lanes are taken over")
    text = healths(hub)
    check("topic _writers holds 2 messages" in text, "messages of others among the writers' claims are named", text)
    hub.await_that(lambda: "topic _positions holds" in healths(hub) and f"topic decisions.{DATASET} holds 2 messages" in healths(hub), "and among positions and decisions")
    check("garbage" not in healths(hub) + logs(hub), "but nothing of what stands in them")


def deleted_cluster_topics(hub, brokers, rows, drops):
    for topic in ("huiliu.members", "huiliu.lanes"):
        delete_topic(brokers, topic)
    rows.write(drops, "after-cluster-topics", 300)
    settle(hub, rows, "members and lanes are made again when they were deleted, and rows come in without a restart")
    for i in range(len(hub.ports)):
        hub.await_that(lambda i=i: all(n["alive"] for n in hub.status(i)["nodes"]) and all("node" in lane for lane in hub.status(i)["lanes"]),
                       f"n{i} hears the others and knows who holds what")


def deleted_topic(hub, brokers, rows, drops):
    delete_topic(brokers, RETURNED)
    rows.write(drops, "after-deletion", 300)
    settle(hub, rows, "a deleted topic is made again, and no row is lost, without a restart")
    said = logs(hub)
    check("was deleted" in said and "被删除" in said and "compare the balance with the catalog's rows" in said, "the log says so, and what to do", said[-2000:])
    check("was deleted" in healths(hub), "and so does /healthz", healths(hub))

    def in_topic():
        latest = {}
        for line in kcat(brokers, RETURNED, "-C", "-q", "-e", "-o", "beginning", "-X", "isolation.level=read_committed", "-f", "%S %k\\n").split(b"\n"):
            size, _, key = line.partition(b" ")
            if key:
                latest[key] = int(size) >= 0
        return {key for key, there in latest.items() if there}
    check(len(in_topic()) == len(rows.held["530100"]), "the new topic holds a receiver's rows", (len(in_topic()), len(rows.held["530100"])))
    for i in range(len(hub.ports)):
        hub.kill(i)
        hub.run_huiliud(i)
    for i in range(len(hub.ports)):
        hub.await_ready(i)
    settle(hub, rows, "nor is one lost when every node is killed afterwards")


def resident_mib(pid):
    """Resident memory of a process and its children."""
    total = 0
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/status", encoding="utf-8") as file:
                fields = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
        except OSError:
            continue
        if pid in (int(entry), int(fields["PPid"])) and "VmRSS" in fields:
            total += int(fields["VmRSS"].split()[0]) // 1024
    return total


def memory_while_away(hub, brokers, rows, drops):
    """Brokers that stand still slow the agent and fill no memory: neither of a node, whose writers hold 64 MiB each at most, nor of the agent."""
    pids = {f"n{i}": process.pid for i, process in enumerate(hub.huiliud)}
    pids["the agent"] = hub.agent_pid
    before = {name: resident_mib(pid) for name, pid in pids.items()}
    most = dict(before)
    brokers.run("pause", "1")
    rows.write(drops, "while-away", BACKLOG)
    until = time.time() + 20
    while time.time() < until:
        for name, pid in pids.items():
            most[name] = max(most[name], resident_mib(pid))
        time.sleep(0.2)
    brokers.run("start", "1")
    grown = {name: most[name] - before[name] for name in pids}
    check(all(mib <= GROWTH_MIB for mib in grown.values()), f"while no broker answers for 20 s and {BACKLOG} rows wait, memory grows by MiB: {grown}", (before, most))
    settle(hub, rows, "and all that waited is there once")


def brokers_away(hub, brokers):
    brokers.run("pause", "1")
    paused = time.time()
    time.sleep(8)  # longer than the lease
    for i, (grpc, _) in enumerate(hub.ports):
        done = subprocess.run([os.path.join(BUILD, "bin/huiliu"), "--config", hub.profile("system-admin"), "--node", f"localhost:{grpc}", "cluster", "status"],
                              capture_output=True, text=True, timeout=WAIT)
        check(done.returncode == 1 and "须处理" in done.stdout, f"huiliu cluster status answers at n{i} while brokers are away, and says what to do", done.stdout + done.stderr)
    hub.signal(1, signal.SIGTERM)
    asked = time.time()
    code = hub.huiliud[1].wait(timeout=WAIT)
    check(code == 0, f"a node ends {time.time() - asked:.0f} s after it is told to, though brokers are away", code)
    patient = subprocess.Popen([os.path.join(BUILD, "bin/huiliu"), "--config", hub.profile("system-admin"), "--node", f"localhost:{hub.ports[0][0]}",
                                "organisation", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(2)
    check(patient.poll() is None, "a reading command waits for a node that cannot confirm which grants hold", patient.stderr.read() if patient.poll() else "")
    brokers.run("start", "1")
    out, err = patient.communicate(timeout=WAIT)
    check(patient.returncode == 0, "and answers when it can", out + err)
    hub.run_huiliud(1)
    hub.await_ready(1)
    check(True, f"all goes on after {time.time() - paused:.0f} s")


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def full_disk(hub, brokers, rows, drops):
    """A limit on the size of files stands for the disk: every write of the broker fails, as with ENOSPC, and it ends."""
    pid = next(int(pid) for pid in re.findall(r"pid (\d+)", brokers.run("status")))
    subprocess.run(["prlimit", "--pid", str(pid), "--fsize=4096:"], check=True)
    rows.write(drops, "while-full", 200)
    hub.await_that(lambda: not is_running(pid), "a broker whose disk is full ends")
    # What it had written only in part may be cut off.
    brokers.run("start", "1")
    settle(hub, rows, "with room again, all that came meanwhile is there once")


def refused_beside_a_cluster(folder, brokers, pki):
    state = os.path.join(folder, "beside")
    os.makedirs(state)
    node = Node(BUILD, state, pki)
    node.backbone = brokers.lines()
    launch(node)
    try:
        code = node.process.wait(timeout=60)
    finally:
        node.stop()
    check(code == 1 and "is a cluster's" in log_of(node) and "已由多节点集群使用" in log_of(node),
          "a node without cluster does not start where a cluster is at home", log_of(node)[-1500:])


def main():
    print(f"seed {SEED}", flush=True)
    folder = tempfile.mkdtemp(prefix="huiliu-intruders-")
    pki = Pki(os.path.join(folder, "pki"))
    brokers = Brokers(BUILD, folder, 1)
    hub_folder = os.path.join(folder, "hub")
    os.makedirs(hub_folder)
    hub = Hub(BUILD, hub_folder, pki, 2)
    try:
        brokers.start()
        lone_nodes(folder, brokers, pki)
        hub.backbone = brokers.lines()
        hub.start()
        hub.set_up()
        refused_beside_a_cluster(folder, brokers, pki)
        drops = os.path.join(folder, "drops")
        os.makedirs(drops)
        hub.start_agent("state-si", sources=[hub.file_source("hub", drops)])
        hub.agent_pid = hub.processes[-1].pid
        rows = Rows(SEED, 2000)
        rows.write(drops, "first", 600)
        settle(hub, rows, "every receiver's rows are in its catalog")
        proven(hub, rows)
        foreign_messages(hub, brokers, rows, drops)
        deleted_cluster_topics(hub, brokers, rows, drops)
        deleted_topic(hub, brokers, rows, drops)
        brokers_away(hub, brokers)
        memory_while_away(hub, brokers, rows, drops)
        full_disk(hub, brokers, rows, drops)
        rows.write(drops, "last", 100)
        settle(hub, rows, "rows come in again")
    except BaseException:
        print(f"replay with HUILIU_SEED={SEED}\n{healths(hub)}\n{hub.logs()}", file=sys.stderr)
        raise
    finally:
        hub.stop()
        brokers.stop()
        subprocess.run(["rm", "-rf", folder])
    print("intruders: passed")


main()
