"""Argument errors of ./dev demo in Chinese and English: argparse says them in English alone."""
import argparse
import re

# What argparse writes → the same in Chinese; \1 … are its groups.
WORDS = [
    (r"unrecognized arguments: (.*)", r"不认识的参数 \1"),
    (r"argument (\S+): expected one argument", r"参数 \1 须带一个值"),
    (r"argument (\S+): ignored explicit argument (.*)", r"参数 \1 不带值"),
    (r"argument (\S+): invalid choice: (.*?) \(choose from (.*)\)", r"参数 \1 的值 \2 不在可选值 \3 中"),
    (r"argument (\S+): invalid int value: (.*)", r"参数 \1 的值 \2 不是整数"),
    (r"ambiguous option: (\S+) could match (.*)", r"参数 \1 有歧义：\2"),
]


def in_both(message):
    for english, chinese in WORDS:
        found = re.fullmatch(english, message)
        if found:
            return f"{found.expand(chinese)} / {message}"
    return message


class Parser(argparse.ArgumentParser):
    def error(self, message):
        super().error(in_both(message))
