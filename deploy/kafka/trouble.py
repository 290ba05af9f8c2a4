"""What the user is told instead of a traceback."""


class Trouble(Exception):
    pass
