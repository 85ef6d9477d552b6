"""Labelled, field-exact evidence for the demo, for tests and for drills.

Enters: a :class:`~afterpatch.simulate.scenario.Scenario`. Leaves: folders of logs as a real server
would have written them, and ``labels.json`` with the truth beside (never inside) them.
"""
