"""Command and control without signatures: ranked alerts from flows and DNS queries.

Data flows one way: ``frames`` (the columns expected) -> ``spool`` (rows by source host and by zone,
on disk when many) -> ``beacons``, ``encoded_names``, ``long_connections``, ``uploads`` (candidates,
scored) -> ``ranking`` (how rare they are in the fleet) -> :class:`alerts.Ranking` -> ``allow``.
``watch`` is the door: it takes frames and gives a ranking.
"""
