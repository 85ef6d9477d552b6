"""SUNBURST's DNS names, read back: labels, host IDs, AD domains, and the operator's answers.

``labels`` reads one label, ``names`` joins chunks into domains, ``answers`` says what an address
meant to the malware, ``hosts`` puts it together per infected machine, ``observations`` finds names
and answers in files, ``encode`` writes labels. Pure; bytes in, frozen dataclasses out.

The facts come from the decompiled sample ce77d116… (ITAYC0HEN/SUNBURST-Cracked), class
``OrionImprovementBusinessLayer``; its method names are quoted where a rule is not obvious.
"""
