"""Speed and memory, each beside its yardstick in the same run: only ratios mean anything, machines are noisy.

`python -m bench` runs everything; `python -m bench interpreter engine` runs some. Each module's `main()` returns a
plain dict.
"""
