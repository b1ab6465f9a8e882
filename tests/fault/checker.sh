#!/usr/bin/env bash
# The checker of histories finds what is wrong with a history that something is wrong with.
exec /usr/bin/python3 -B "$(dirname -- "$0")/checker.py"
