"""How fast it is, and against what: `python3 dev.py benchmark NAME`. No test asserts a time."""
