"""TLS, SASL and access control for the listener SECURE: a certificate authority of its own, a certificate for 127.0.0.1, one account that may do everything and
come by SCRAM-SHA-256 or by PLAIN, others that come by PLAIN and may do what `cluster allow` says. (librdkafka before 2.6.1 cannot do SCRAM with Kafka 4: it sends the nonce twice.)"""
import os
import subprocess

from trouble import Trouble


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Trouble(f"{' '.join(command[:2])}: {done.stderr.strip()[-300:]}")


def make(folder, account, ports):
    here = os.path.join(folder, "secure")
    os.makedirs(here, mode=0o700, exist_ok=True)
    of = lambda name: os.path.join(here, name)  # noqa: E731
    if not os.path.exists(of("broker.pem")):
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=huiliu test CA", "-keyout", of("ca.key"), "-out", of("ca.pem"))
        run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", of("broker.key"), "-out", of("broker.csr"))
        with open(of("broker.ext"), "w", encoding="utf-8") as file:
            file.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        run("openssl", "x509", "-req", "-in", of("broker.csr"), "-CA", of("ca.pem"), "-CAkey", of("ca.key"), "-CAcreateserial", "-days", "3650",
            "-extfile", of("broker.ext"), "-out", of("broker.crt"))
        run("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", of("broker.key"), "-out", of("broker.pk8"))
        with open(of("broker.pem"), "w", encoding="utf-8") as pem:
            for name in ("broker.pk8", "broker.crt", "ca.pem"):
                with open(of(name), encoding="utf-8") as file:
                    pem.write(file.read())
    os.makedirs(of("accounts"), mode=0o700, exist_ok=True)
    others = [(os.path.join("accounts", name), password) for name, password in account.get("others", {}).items()]
    for name, text in (*others, ("bootstrap", ",".join(f"127.0.0.1:{port}" for port in ports)), ("user", account["user"]), ("password", account["password"])):
        with open(of(name), "w", encoding="utf-8", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
            file.write(text + "\n")


def settings(folder, account):
    here = os.path.join(folder, "secure")
    users = " ".join(f'user_{name}="{password}"' for name, password in {account["user"]: account["password"], **account.get("others", {})}.items())
    return {
        # Whoever comes by the plain listeners is the cluster itself, or sits on this machine.
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:ANONYMOUS;User:{account['user']}",
        "sasl.enabled.mechanisms": "SCRAM-SHA-256,PLAIN",
        "listener.name.secure.scram-sha-256.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
        "listener.name.secure.plain.sasl.jaas.config":
            f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};",
        "listener.name.secure.ssl.keystore.type": "PEM",
        "listener.name.secure.ssl.keystore.location": os.path.join(here, "broker.pem"),
    }
