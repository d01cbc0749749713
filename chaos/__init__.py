"""The chaos suite: real servers and processes, faults on a seeded plan, and an account of every job.

`python3 dev.py chaos` runs it. `suite.py` tells the whole story; `faults/` has one file for each fault.
"""
