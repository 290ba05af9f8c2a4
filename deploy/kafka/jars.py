"""Kafka's jars: fetched once from Maven Central with pom.xml, kept in a folder beside the build."""
import fcntl
import hashlib
import os
import shutil
import subprocess

from trouble import Trouble

HERE = os.path.dirname(os.path.abspath(__file__))
POM = os.path.join(HERE, "pom.xml")


def folder():
    build = os.environ.get("HUILIU_BUILD") or os.path.join(os.path.dirname(os.path.dirname(HERE)), os.environ.get("HUILIU_BUILD_DIR", "build"))
    with open(POM, "rb") as file:
        return os.path.join(build, "kafka", hashlib.sha256(file.read()).hexdigest()[:12])


def class_path():
    return os.path.join(folder(), "*")


def fetch():
    for tool, package in (("java", "openjdk-17-jre-headless"), ("mvn", "maven")):
        if not shutil.which(tool) and not (tool == "mvn" and os.path.isdir(folder())):
            raise Trouble(f"{tool} is not installed: apt-get install {package}")
    os.makedirs(os.path.dirname(folder()), exist_ok=True)
    with open(folder() + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(folder()):
            return
        part = folder() + ".part"
        shutil.rmtree(part, ignore_errors=True)
        done = subprocess.run(["mvn", "-q", "-B", "-f", POM, "dependency:copy-dependencies", f"-DoutputDirectory={part}"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise Trouble(f"Kafka's jars cannot be fetched from Maven Central (mvn): {(done.stdout + done.stderr).strip()[-600:]}")
        os.rename(part, folder())
