"""A PostgreSQL cluster of the demo's own: a folder, a free port on loopback, started and stopped with the demo."""
import glob
import os
import pwd
import random
import shutil
import socket
import subprocess
import time


GIVEN = set()


def free_port():
    """Below the kernel's range for outgoing connections: none of them may take it before it is listened on."""
    while True:
        port = random.SystemRandom().randrange(18000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in GIVEN:
            GIVEN.add(port)
            return port


class Cluster:
    """PostgreSQL refuses to run as root: then it runs as the package's user postgres."""

    def __init__(self, folder, log):
        self.folder = folder
        self.log = log
        self.port = free_port()
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
        if not found:
            raise SystemExit("PostgreSQL is not installed: ./dev demo installs it")
        self.bin = os.path.dirname(found[-1])
        self.as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        self.user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.process = None

    def run(self, *command):
        subprocess.run([*self.as_user, *command], check=True, stdout=open(self.log, "a"), stderr=subprocess.STDOUT, cwd="/")

    def start(self):
        fresh = not os.path.exists(os.path.join(self.folder, "PG_VERSION"))
        if fresh:
            os.makedirs(self.folder, exist_ok=True)
            if self.as_user:
                shutil.chown(self.folder, "postgres", "postgres")
            self.run(os.path.join(self.bin, "initdb"), "-D", self.folder, "-A", "trust", "-E", "UTF8", "--no-locale", "-U", self.user)
        options = ["-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=60", "-c", "timezone=Asia/Shanghai"]
        self.process = subprocess.Popen([*self.as_user, os.path.join(self.bin, "postgres"), "-D", self.folder, *options],
                                        stdout=open(self.log, "a"), stderr=subprocess.STDOUT, cwd="/", start_new_session=True)
        for _ in range(300):
            if self.psql("postgres", "SELECT 1", check=False) == "1":
                return fresh
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise SystemExit(f"PostgreSQL did not start: see {self.log}")

    def dsn(self, database):
        return f"host=127.0.0.1 port={self.port} dbname={database} user={self.user}"

    def psql(self, database, sql, check=True):
        done = subprocess.run(["psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", self.dsn(database)], input=sql, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise SystemExit(f"PostgreSQL {database}: {done.stderr.strip()[:400]}")
        return done.stdout.strip() if done.returncode == 0 else None

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        subprocess.run([*self.as_user, os.path.join(self.bin, "pg_ctl"), "-D", self.folder, "stop", "-m", "fast", "-w", "-t", "20"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
