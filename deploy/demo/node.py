"""Starts the node and the agents of the demo, and talks to the node over Connect/JSON."""
import base64
import hashlib
import json
import os
import secrets
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request

from cluster import free_port

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


PATIENCE = 60  # seconds


class Refused(Exception):
    """`again`: before anything was done, and only for the moment."""

    def __init__(self, code, message, again=False):
        super().__init__(f"{code}: {message}")
        self.code, self.again = code, again


class Node:
    """huiliud with mTLS on two free ports."""

    # account: (organisation, roles)
    ACCOUNTS = {
        "system-admin": ("km-data", ["system_administrator"]),
        "security-admin": ("km-data", ["security_administrator"]),
        "audit-admin": ("km-audit", ["audit_administrator"]),
        "data-officer": ("km-data", ["data_officer"]),
        "data-approver": ("km-data", ["data_officer"]),
        "hrss-clerk": ("km-hrss", ["consumer"]),
        "tax-clerk": ("km-tax", ["consumer"]),
    }
    ORGANISATIONS = {
        "km-data": "昆明市数据局", "km-audit": "昆明市审计局", "km-hrss": "昆明市人力资源和社会保障局", "km-tax": "昆明市税务局",
        "state-si": "国家社会保险公共服务平台（模拟）", "yn-approval": "云南省政务服务管理局（模拟）", "km-employment": "昆明市就业服务中心（模拟）",
        "yn-market": "云南省市场监督管理局（模拟）",
    }
    AGENTS = ["state-si", "yn-approval", "km-employment", "yn-market", "km-hrss"]

    def __init__(self, build, state, pki):
        self.build, self.state, self.pki = build, state, pki
        self.grpc, self.http = free_port(), free_port()
        self.log = os.path.join(state, "huiliud.log")
        self.processes = []
        self.backbone = ""  # lines of node.yaml; empty: the embedded one
        self.source_keys = {}  # what the departments' batches are signed with, hexadecimal
        self.tokens = self.load_tokens()
        self.tls = ssl.create_default_context(cafile=pki.ca())

    def load_tokens(self):
        path = os.path.join(self.state, "tokens.json")
        if os.path.exists(path):
            return json.load(open(path, encoding="utf-8"))
        tokens = {account: secrets.token_hex(16) for account in self.ACCOUNTS}
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            json.dump(tokens, file)
        return tokens

    def write_config(self):
        certificate, key = self.pki.node("node")
        lines = ["receivers:", '  - {id: "530100", title: 昆明市, divisions: ["530100"]}', "organisations:"]
        lines += [f'  - {{id: {o}, title: {t}, receiver: "{"530100" if o.startswith("km") else ""}"}}' for o, t in self.ORGANISATIONS.items()]
        lines.append("accounts:")
        for account, (organisation, roles) in self.ACCOUNTS.items():
            digest = hashlib.sha256(self.tokens[account].encode()).hexdigest()
            lines.append(f'  - {{id: {account}, organisation: {organisation}, roles: [{", ".join(roles)}], token_sha256: "{digest}"}}')
        for organisation in self.AGENTS:
            client, _ = self.pki.organisation(organisation)
            roles = "agent, consumer" if organisation == "km-hrss" else "agent"
            lines.append(f"  - {{id: agent-{organisation}, organisation: {organisation}, roles: [{roles}], certificate: {client}}}")
        with open(os.path.join(self.state, "bootstrap.yaml"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        with open(os.path.join(self.state, "node.yaml"), "w", encoding="utf-8") as file:
            file.write(f"""node: kunming
data_dir: node
listen: {{grpc: "127.0.0.1:{self.grpc}", http: "127.0.0.1:{self.http}"}}
tls: {{ca: {self.pki.ca()}, certificate: {certificate}, key: {key}}}
divisions: {ROOT}/schemas/divisions
bootstrap: bootstrap.yaml
office_hours: {{first_weekday: 1, last_weekday: 7, from_hour: 0, to_hour: 24}}
{self.backbone}""")

    def write_profiles(self):
        """One profile of the command line per account: huiliu --config STATE/cli/audit-admin.yaml …"""
        folder = os.path.join(self.state, "cli")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for account, token in self.tokens.items():
            with open(os.open(os.path.join(folder, account + ".token"), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(token + "\n")
            with open(self.profile(account), "w", encoding="utf-8") as file:
                file.write(f'node: {{address: "localhost:{self.grpc}", ca: {self.pki.ca()}}}\ntoken_file: {account}.token\nreceiver: "530100"\n')

    def tell_auditor(self):
        """The auditor's profile knows the key that checkpoints are signed with."""
        key = base64.b64decode(self.call("audit-admin", "Audit/GetCheckpoint")["checkpoint"]["public_key"]).hex()
        with open(self.profile("audit-admin"), "a", encoding="utf-8") as file:
            file.write(f"audit_key: {key}\n")

    def profile(self, account):
        return os.path.join(self.state, "cli", account + ".yaml")

    def spawn(self, command, log):
        process = subprocess.Popen(command, stdout=open(log, "a"), stderr=subprocess.STDOUT, start_new_session=True)
        self.processes.append(process)
        return process

    def start(self):
        self.write_config()
        self.write_profiles()
        self.run_node()

    def run_node(self):
        self.process = self.spawn([os.path.join(self.build, "bin/huiliud"), "--config", os.path.join(self.state, "node.yaml")], self.log)
        for _ in range(600):
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"https://127.0.0.1:{self.http}/healthz", context=self.tls, timeout=2).read()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        with open(self.log, encoding="utf-8", errors="replace") as file:
            raise SystemExit(f"the node did not start (log: {self.log}): {file.read()[-600:].strip()}")

    def keep_up(self):
        """Whether the node had ended and was started again; everybody else waits for it and goes on."""
        if self.process.poll() is None:
            return False
        self.run_node()
        return True

    def call(self, account, method, **request):
        body = json.dumps(request).encode()
        headers = {"Content-Type": "application/json", "Authorization": "Bearer " + self.tokens[account]}
        url = f"https://127.0.0.1:{self.http}/huiliu.v1.{method}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers), context=self.tls, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            problem = json.loads(error.read() or b"{}")
            raise Refused(problem.get("code", str(error.code)), problem.get("message", ""), "Retry-After" in error.headers) from None

    def ask(self, account, method, **request):
        """A call that is made again where the node refuses it for the moment before it has done anything."""
        deadline = time.time() + PATIENCE
        while True:
            try:
                return self.call(account, method, **request)
            except Refused as refused:
                if not refused.again or time.time() > deadline:
                    raise
                time.sleep(0.2)

    def put(self, account, method, **request):
        """A command that may have been carried out by an earlier run over the same state."""
        try:
            return self.ask(account, method, **request)
        except Refused as refused:
            if refused.code not in ("aborted", "already_exists"):
                raise SystemExit(f"{method}: {refused}")
            return None

    def address(self):
        """Where agents reach the node."""
        return f"127.0.0.1:{self.grpc}"

    def start_agent(self, organisation, sources=(), landings=(), plugins=None):
        folder = os.path.join(self.state, "agents", organisation)
        os.makedirs(folder, exist_ok=True)
        certificate, key = self.pki.organisation(organisation)
        config = {
            "agent": f"demo-{organisation}",
            "node": {"address": self.address(), "ca": self.pki.ca(), "certificate": certificate, "key": key, "server_name": "localhost"},
            "state_dir": folder, "plugins": plugins or os.path.join(os.path.abspath(self.build), "lib"), "divisions": os.path.join(ROOT, "schemas/divisions"),
            "sources": [{k: v for k, v in source.items() if not k.startswith("_")} for source in sources], "landings": list(landings),
        }
        path = os.path.join(folder, "agent.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file, ensure_ascii=False, indent=1)  # JSON is YAML
        program = os.path.join(self.build, "bin/huiliu-agent")
        for source in sources:
            key_hex = subprocess.run([program, "key", "--config", path, "--source", source["id"]], capture_output=True, text=True, check=True).stdout.strip()
            self.source_keys[source["id"]] = key_hex
            self.register_source(source["id"], source["_system"], source["dataset"], organisation, key_hex)
        self.spawn([program, "run", "--config", path], os.path.join(folder, "agent.log"))
        return folder

    def register_source(self, source, system, dataset, organisation, key_hex, expected_every="24h"):
        self.put("system-admin", "Registry/PutSource", source={
            "id": source, "system": system, "dataset": dataset, "organisation": organisation, "placement": "PLACEMENT_EDGE", "receivers": ["530100"],
            "batch_public_key": base64.b64encode(bytes.fromhex(key_hex)).decode(), "department": organisation,
            "department_title": self.ORGANISATIONS[organisation], "expected_every": expected_every})

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes):
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
