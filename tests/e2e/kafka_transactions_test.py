#!/usr/bin/env python3
"""The shape of Kafka's own transactions test, over our backbone: 100,000 records are copied from one topic to another by several copiers, each a
process with a transactional id of its own, while copiers and brokers are killed and stopped hard, from a printed seed; afterwards a read_committed
consumer of another make finds exactly one copy of each.
kafka_transactions_test.py BUILD [RECORDS]; HUILIU_SEED replays the faults. docs/TESTING.md."""
import collections
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from several_nodes import Brokers, check  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
RECORDS = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
SEED = int(os.environ.get("HUILIU_SEED", time.time_ns() % 10**9))
COPIERS = BROKERS = 3
A_TRANSACTION = 40
PREFIX = "transactions."
WAIT = 400


class Copiers:
    """Each is started again when it has ended, whatever ended it."""

    def __init__(self, bootstrap, folder):
        self.bootstrap, self.folder = bootstrap, folder
        self.running, self.started = [None] * COPIERS, 0

    def run(self, *arguments):
        return subprocess.run([os.path.join(BUILD, "bin/message_copier"), self.bootstrap, PREFIX, *map(str, arguments)],
                              capture_output=True, text=True, timeout=WAIT)

    def keep(self):
        for i, process in enumerate(self.running):
            if process is None or process.poll() is not None:
                with open(os.path.join(self.folder, f"copier-{i}.log"), "ab") as log:
                    self.running[i] = subprocess.Popen([os.path.join(BUILD, "bin/message_copier"), self.bootstrap, PREFIX, "copy", str(i), str(A_TRANSACTION)],
                                                       stdout=log, stderr=log)
                self.started += 1

    def lag(self):
        """None where the brokers do not answer now."""
        done = self.run("lag")
        return int(done.stdout) if done.returncode == 0 else None

    def stop(self):
        for process in self.running:
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()

    def logs(self):
        out = []
        for i in range(COPIERS):
            with open(os.path.join(self.folder, f"copier-{i}.log"), errors="replace") as file:
                out.append(f"--- copier {i}\n" + file.read()[-1500:])
        return "\n".join(out)


class Faults:
    def __init__(self, copiers, brokers, rng):
        self.copiers, self.brokers, self.rng, self.done = copiers, brokers, rng, []

    def kill_copier(self):
        self.rng.choice(self.copiers.running).kill()

    def stop_copier(self):
        """Longer than its session and its transaction: when it goes on, another has its partitions."""
        process = self.rng.choice(self.copiers.running)
        process.send_signal(signal.SIGSTOP)
        time.sleep(self.rng.uniform(11, 13))
        process.send_signal(signal.SIGCONT)

    def kill_broker(self):
        broker = str(self.rng.randrange(BROKERS) + 1)
        self.brokers.run("kill", broker)
        time.sleep(self.rng.uniform(0, 3))
        self.brokers.run("start", broker)

    def one(self, fault):
        print(f"  {fault.__name__}", flush=True)
        fault()
        self.done.append(fault.__name__)
        self.copiers.keep()
        time.sleep(self.rng.uniform(1, 3))


def committed_copies(brokers):
    done = subprocess.run(["kcat", "-b", brokers.bootstrap, "-C", "-q", "-e", "-o", "beginning", "-t", f"{PREFIX}output", "-X", "isolation.level=read_committed",
                           "-f", "%s\\n"], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        sys.exit(f"FAILED: kcat: {done.stderr[-500:]}")
    return collections.Counter(done.stdout.split())


def uncommitted_copies(brokers):
    done = subprocess.run(["kcat", "-b", brokers.bootstrap, "-C", "-q", "-e", "-o", "beginning", "-t", f"{PREFIX}output", "-X", "isolation.level=read_uncommitted",
                           "-f", "%s\\n"], capture_output=True, text=True, timeout=120)
    return len(done.stdout.split())


def main():
    print(f"seed {SEED}, {RECORDS} records", flush=True)
    rng = random.Random(SEED)
    folder = tempfile.mkdtemp(prefix="huiliu-transactions-")
    brokers = Brokers(BUILD, folder, BROKERS)
    copiers = None
    try:
        brokers.start()
        copiers = Copiers(brokers.bootstrap, folder)
        filled = copiers.run("fill", RECORDS)
        check(filled.returncode == 0, f"{RECORDS} records stand in the input topic", filled.stderr)
        copiers.keep()
        faults = Faults(copiers, brokers, rng)
        # Each kind at least once, then as it comes, while there is something to copy.
        left = []
        for fault in (faults.kill_copier, faults.kill_broker, faults.stop_copier, faults.kill_copier):
            left.append(copiers.lag())  # None where the brokers do not answer at this moment
            faults.one(fault)
        check(sum(1 for lag in left if lag) >= 2, "the faults hit copiers at work", left)
        until = time.time() + WAIT
        while (lag := copiers.lag()) != 0:
            if time.time() > until:
                sys.exit(f"FAILED: {lag} records are not copied after {WAIT} s")
            if len(faults.done) < 10:
                faults.one(rng.choice([faults.kill_copier, faults.kill_copier, faults.kill_broker, faults.stop_copier]))
            else:
                copiers.keep()
                time.sleep(1)
        copiers.stop()
        print(f"{copiers.started} copiers were started; " + ", ".join(f"{n} {faults.done.count(n)}" for n in sorted(set(faults.done))), flush=True)
        copies = committed_copies(brokers)
        twice = [value for value, n in copies.items() if n != 1]
        missing = RECORDS - len(copies)
        check(missing == 0 and not twice and sum(copies.values()) == RECORDS, f"exactly one committed copy of each of {RECORDS} records",
              f"{missing} missing, {len(twice)} more than once: {twice[:5]}\n{copiers.logs()}")
        print(f"{uncommitted_copies(brokers) - RECORDS} copies more were written by transactions that were aborted", flush=True)
    except BaseException:
        print(f"replay with HUILIU_SEED={SEED}", file=sys.stderr)
        if copiers is not None and copiers.started:
            print(copiers.logs(), file=sys.stderr)
        raise
    finally:
        if copiers is not None:
            copiers.stop()
        brokers.stop()
        subprocess.run(["rm", "-rf", folder])
    print("kafka transactions: passed")


main()
