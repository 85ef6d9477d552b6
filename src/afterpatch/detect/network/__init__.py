"""Command and control without signatures: ranked alerts from flows and DNS queries.

Data flows one way: ``frames`` (the columns expected) -> ``spool`` (rows by source host and by zone,
on disk when many) -> ``beacons``, ``encoded_names``, ``long_connections``, ``uploads`` (candidates,
scored) -> ``watch`` (fleet-wide prevalence, allow-list, rank) -> :class:`alerts.Ranking`.
"""
