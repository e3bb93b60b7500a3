"""The platform's data paths beside stock Feast and beside the practical limit, on the same input in one run.

Each side runs in a process of its own, so that its peak memory is its own, and every side's answers are compared
value by value. `streamrank bench` prints what comes out.
"""
