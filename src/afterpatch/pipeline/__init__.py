"""The one room that knows the order of the rooms.

``unit`` reads one source; ``executor`` runs units on this machine; ``run`` puts a whole run
together; ``originals`` reads single records again.
"""
