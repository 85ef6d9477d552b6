"""The nouns of Afterpatch: frozen values, no I/O, nothing of ours imported.

Data flows ``Item -> Source -> Piece -> Hit -> Finding -> Verdict``; gaps and facts travel
beside it.
"""
