"""Was this host affected, from when to when, and was it patched before it was exploited?

Enters: facts. Leaves: :class:`afterpatch.model.verdicts.Exposure`. Pure: no file is read here.
See ``docs/exposure.md``.
"""
