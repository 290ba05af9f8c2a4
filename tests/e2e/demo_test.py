#!/usr/bin/env python3
"""End to end on the real binaries: ./dev demo's two jobs, and what they must say. demo_test.py BUILD [SHARED]."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(sys.argv[1])
SHARED = os.environ.get("HUILIU_SHARED") or os.path.join(ROOT, "..", "shared")
HEADER = "企业名称,统一社会信用代码,注册日期,企业类型,法人代表,注册资金,经营范围,所在省份,地区,注册地址\n"
ROWS = [
    "甲公司,91530102697992344J,2010-01-06,N/A,N/A,\"300(万元人民币)\",\"咨询\",云南,昆明,\"云南省昆明市五华区一二一大街428号\"\n",   # 530102
    "乙公司,91530402697992010H,2010-01-06,N/A,N/A,\"300(万元人民币)\",\"绿化\",云南,玉溪,\"云南省玉溪市红塔区冯井5组\"\n",      # outside
    "丙公司,91530121MA6K00000D,2010-01-06,N/A,N/A,N/A,\"贸易\",云南,昆明,\"N/A\"\n",                                   # 530114 by an abolished code
    "丁公司,91530102MA6K11111M,2010-01-06,N/A,N/A,N/A,\"贸易\",云南,大理,\"云南省大理白族自治州大理市下关镇\"\n",               # outside, conflict
    "戊公司,91530000MA6K22222C,2010-01-06,N/A,N/A,N/A,\"贸易\",云南,N/A,\"N/A\"\n",                                     # nothing decides: pending
    "己公司,N/A,2010-01-06,N/A,N/A,N/A,\"贸易\",云南,昆明,\"N/A\"\n",                                                   # no key: quarantined
]


def run(*arguments):
    done = subprocess.run([sys.executable, os.path.join(ROOT, "deploy/demo/demo.py"), "--build", BUILD, "--once", "--output", "json", *arguments],
                          capture_output=True, text=True, timeout=280)
    if done.returncode != 0:
        sys.exit(f"demo {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1]), done.stderr


def check(condition, what, result):
    if not condition:
        sys.exit(f"FAILED: {what}\n{json.dumps(result, ensure_ascii=False)}")
    print("ok:", what)


def balanced(result):
    return result["read"] == sum(result[o] for o in ("returned", "outside_area", "withheld", "quarantined", "pending"))


def small_registry():
    with tempfile.TemporaryDirectory() as folder:
        data, state = os.path.join(folder, "data"), os.path.join(folder, "state")
        os.makedirs(data)
        os.chmod(folder, 0o755)
        with open(os.path.join(data, "2010.csv"), "w", encoding="utf-8") as file:
            file.write(HEADER + "".join(ROWS) + ROWS[0])
        with open(os.path.join(data, "other.csv"), "w", encoding="utf-8") as file:
            file.write("a,b\n1,2\n")
        first, errors = run("--data", data, "--state", state)
        check(balanced(first) and first["read"] == 7 and first["added"] == 7, "every record counts in exactly one of the five", first)
        check((first["returned"], first["outside_area"], first["quarantined"], first["pending"]) == (3, 2, 1, 1), "outcomes", first)
        check(first["conflicts"] == 1 and first["landed"] == 2, "an exact repeat counts where the first did, the bureau holds it once", first)
        check(first["by_county"] == {"530102": 2, "530114": 1}, "counties by current codes", first)
        check("other.csv" in errors, "a file with another header is named", first)
        again, _ = run("--data", data, "--state", state)
        check(again["added"] == 0 and {**again, "added": 0, "seconds": 0} == {**first, "added": 0, "seconds": 0}, "a second run adds nothing", again)
        with open(os.path.join(data, "2011.csv"), "wb") as file:
            file.write((HEADER + ROWS[0].replace("甲", "庚").replace("91530102697992344J", "915301036979923441")).encode())
        more, _ = run("--data", data, "--state", state)
        check(more["added"] == 1 and more["read"] == 8, "a new file adds its rows", more)


def gbk_registry():
    with tempfile.TemporaryDirectory() as data:
        with open(os.path.join(data, "a.csv"), "wb") as file:
            file.write((HEADER + ROWS[0]).encode("gb18030"))
        result, _ = run("--data", data, "--charset", "gb18030")
        check(result["returned"] == 1 and result["by_county"] == {"530102": 1}, "GB18030 files", result)


def goes_on():
    """Without --once the folder goes on being watched until Ctrl-C."""
    with tempfile.TemporaryDirectory() as data, tempfile.NamedTemporaryFile("w+", encoding="utf-8") as said:
        def drop(name, row):
            with open(os.path.join(data, name + ".part"), "w", encoding="utf-8") as file:
                file.write(HEADER + row)
            os.rename(file.name, os.path.join(data, name))

        def wait(words):
            deadline = time.time() + 120
            while time.time() < deadline:
                with open(said.name, encoding="utf-8") as file:
                    if words in file.read():
                        return
                time.sleep(0.1)
            demo.kill()
            sys.exit(f"FAILED: the demo never said {words}")

        drop("2010.csv", ROWS[0])
        demo = subprocess.Popen([sys.executable, os.path.join(ROOT, "deploy/demo/demo.py"), "--build", BUILD, "--data", data], stdout=subprocess.DEVNULL, stderr=said)
        wait("Ctrl-C")
        drop("2011.csv", ROWS[1])
        wait("读取       2")
        node = subprocess.run(["pgrep", "-P", str(demo.pid), "-x", "huiliud"], capture_output=True, text=True).stdout.split()
        os.kill(int(node[0]), signal.SIGKILL)
        wait("已重新启动")
        drop("2012.csv", ROWS[2])
        wait("读取       3")
        demo.send_signal(signal.SIGINT)
        check(demo.wait(60) == 130, "--data without --once goes on until Ctrl-C, and takes what is dropped meanwhile", {})


def refusals():
    for arguments, words in (("--bogus", "不认识的参数 --bogus / unrecognized arguments"), ("--lang de", "不在可选值"), ("--seed x", "不是整数"),
                             ("--charset gbk", "--charset 只用于 --data 的文件")):
        done = subprocess.run([sys.executable, os.path.join(ROOT, "deploy/demo/demo.py"), "--build", BUILD, *arguments.split()], capture_output=True, text=True)
        check(done.returncode == 2 and words in done.stderr, f"{arguments} is refused in Chinese and English", done.stderr)


def main_job():
    result, screen = run()
    check(balanced(result) and result["read"] > 10000, "the main job balances", result)
    check(result["landed"] > 0.9 * result["returned"], "what returns lands: of each dataset, one row a key", result)
    check(set(result["by_system"]) == {"sv-social-insurance", "pr-approval", "mu-employment"}, "one system of each tier", result)
    check(all(balanced(s) for s in result["by_system"].values()), "each system balances", result)
    check(sum(result["by_county"].values()) == result["returned"], "counties sum to returned", result)
    for words in ("模拟数据", "进入昆明的外地个人数据：0 行", "已拒绝", "欠交系统", "秒后到达"):
        check(words in screen, f"the screen says {words}", result)


def real_registry():
    data = os.path.join(SHARED, "data/enterprise-registry-yunnan")
    if not os.path.isdir(data):
        print(f"NOT RUN: the real registrations (no {data})")
        return
    result, _ = run("--data", data)
    check(balanced(result) and result["read"] == 97233, "97,233 real registrations", result)
    check(47954 <= result["returned"] <= 47986 and result["quarantined"] == 0, "Kunming's are Kunming's", result)
    check(result["conflicts"] >= 59 and result["landed"] <= result["returned"], "conflicts are marked", result)


if __name__ == "__main__":
    refusals()
    small_registry()
    goes_on()
    gbk_registry()
    main_job()
    real_registry()
